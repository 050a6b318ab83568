import { createRequire } from 'node:module'

/**
 * Node's own HTTP parser, llhttp: the oracle that the parsers of the sidecar are compared with. It comes from a module
 * that Node does not document, so only tests use it.
 */
interface Parser {
  initialize(type: number, resource: object, maxHeadBytes: number, leniency: number): void
  close(): void
  execute(bytes: Buffer): number | Error
  [callback: number]: unknown
}

interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly RESPONSE: number
  readonly kLenientNone: number
  readonly kLenientAll: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: ParserClass
  methods: readonly string[]
}

export interface OracleMessage {
  minor: number
  method: string
  target: string
  status: number
  /** Names and values, alternating. */
  headers: string[]
  trailers: string[]
  body: string
  complete: boolean
}

export interface Reading {
  readonly messages: readonly OracleMessage[]
  /** The error code of the parser; null when it accepted all bytes. */
  readonly error: string | null
}

export interface ReadOptions {
  /** Whether the responses are to HEAD, and so have no body. Default false. */
  readonly isHead?: boolean
  /** Whether to read as leniently as llhttp can, like the most tolerant servers. Default false. */
  readonly isLenient?: boolean
}

/** Reads all messages in `bytes`, which begin with the first one. */
export function read(kind: 'request' | 'response', bytes: Buffer, options: ReadOptions = {}): Reading {
  const { isHead = false, isLenient = false } = options
  const messages: OracleMessage[] = []
  const parser = new HTTPParser()
  parser.initialize(
    kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE,
    {},
    1_000_000,
    isLenient ? HTTPParser.kLenientAll : HTTPParser.kLenientNone,
  )
  const late = { headers: [] as string[], target: '' }
  parser[HTTPParser.kOnHeaders] = (headers: string[], target: string) => {
    late.headers.push(...headers)
    late.target += target
  }
  parser[HTTPParser.kOnHeadersComplete] = (
    _major: number,
    minor: number,
    headers = late.headers,
    method: number,
    target = late.target,
    status = 0,
  ) => {
    messages.push({
      minor,
      method: methods[method] ?? '',
      target,
      status,
      headers,
      trailers: [],
      body: '',
      complete: false,
    })
    Object.assign(late, { headers: [], target: '' })
    return isHead ? 1 : 0
  }
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => {
    const message = messages.at(-1)
    if (message !== undefined) message.body += chunk.toString('latin1')
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    const message = messages.at(-1)
    if (message !== undefined) Object.assign(message, { complete: true, trailers: late.headers })
    Object.assign(late, { headers: [], target: '' })
  }
  const result = parser.execute(bytes)
  parser.close()
  return {
    messages,
    error: result instanceof Error ? ((result as NodeJS.ErrnoException).code ?? 'error') : null,
  }
}

import type { ResponseHead } from '../../http1/response-head.ts'
import { HEADROOM, rewriteResponse } from '../../http1/rewrite-response.ts'
import { Peer } from '../../relay/connection-limits.ts'
import { ResponseReader } from '../../relay/response-reader.ts'
import type { ResponseTaker } from '../../relay/response-taker.ts'
import { type OracleMessage, read } from './oracle.ts'

const SENTINEL = Buffer.from('HTTP/1.1 299 Sentinel\r\nContent-Length: 0\r\n\r\n')
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'upgrade',
  'te',
  'proxy-authorization',
  'http2-settings',
]

/** What a client receives of one response. */
export interface Relayed {
  readonly bytes: Buffer
  readonly status: number
  readonly isDone: boolean
  readonly isFailed: boolean
}

/** Receives a response like an exchange, but without a client. */
class Taker implements ResponseTaker {
  readonly method: string
  readonly isTunnel = false
  readonly isUnbounded = false
  readonly pieces: Buffer[] = []
  status = 0

  constructor(method: string) {
    this.method = method
  }

  takeSwitch(): string {
    return 'no upgrade was forwarded'
  }

  switched(): void {}

  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    this.status = head.status
    this.pieces.push(Buffer.from(bytes.subarray(rewriteResponse(bytes, start, head, null), end)))
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    this.pieces.push(Buffer.from(bytes.subarray(start, end)))
  }

  readonly minor = 1
  readonly peer = new Peer('')
  readonly isRequestDone = true
  readonly needsFresh = false

  stalledMs(): number {
    return 0
  }

  giveUpSlow(): void {}
  takeInterim(): void {}
  begin(): void {}
  finish(): void {}
  fail(): void {}
  requestDrained(): void {}
  dialled(): void {}
}

/** Relays `input`, which arrives in pieces that end at `cuts`. */
export function relayResponse(input: Buffer, method: string, cuts: readonly number[]): Relayed {
  const reader = new ResponseReader('upstream', {
    responseHeadBytes: 100_000,
    responseBytes: 1_000_000,
    fields: 128,
  })
  const taker = new Taker(method)
  reader.start()
  let isFailed = false
  let from = 0
  for (const to of [...cuts, input.length]) {
    if (reader.isDone || isFailed || to <= from) continue
    const bytes = Buffer.concat([Buffer.alloc(HEADROOM), input.subarray(from, to)])
    isFailed = reader.read(bytes, HEADROOM, bytes.length, taker) !== null
    from = to
  }
  return { bytes: Buffer.concat(taker.pieces), status: taker.status, isDone: reader.isDone, isFailed }
}

/** Compares what a client receives with the oracle, and `input` as a whole with `input` in pieces. Returns every difference. */
export function responseViolations(input: Buffer, method: string, cuts: readonly number[]): string[] {
  const whole = relayResponse(input, method, [])
  const pieces = relayResponse(input, method, cuts)
  if (whole.status === 0)
    return pieces.status === 0 || pieces.isFailed ? [] : ['accepted in pieces, refused as a whole']
  if (whole.isFailed) return []
  const options = { isHead: method === 'HEAD' }
  const { messages, error } = read(
    'response',
    whole.isDone ? Buffer.concat([whole.bytes, SENTINEL]) : whole.bytes,
    options,
  )
  const [message, next] = messages
  if (error !== null || message === undefined) return [`the oracle refuses the forwarded bytes: ${error}`]
  return [
    ...(message.status === whole.status ? [] : [`status ${message.status} instead of ${whole.status}`]),
    ...(message.complete === whole.isDone ? [] : [`the oracle says complete: ${message.complete}`]),
    ...(!whole.isDone || (next?.status === 299 && messages.length === 2)
      ? []
      : ['the next response is not read as a response']),
    ...(pieces.bytes.equals(whole.bytes) && pieces.isDone === whole.isDone
      ? []
      : ['read differently in pieces']),
    ...forbidden(message),
    ...againstOriginal(message, input, options),
  ]
}

function forbidden({ headers }: OracleMessage): string[] {
  return headers
    .filter((name, index) => index % 2 === 0 && HOP_BY_HOP.includes(name.toLowerCase()))
    .map((name) => `${name} is forwarded`)
}

function againstOriginal(message: OracleMessage, input: Buffer, options: { isHead: boolean }): string[] {
  const original = read('response', input, options).messages.find(({ status }) => status >= 200)
  if (original === undefined) return []
  return [
    ...(original.status === message.status
      ? []
      : [`status ${message.status}, originally ${original.status}`]),
    ...(!original.complete || !message.complete || original.body === message.body
      ? []
      : ['body differs from the original']),
  ]
}

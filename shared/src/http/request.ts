import type { Agent, AgentOptions, ClientRequestArgs, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { type DialOptions, dial } from '../dial/dial.ts'
import type { TlsDialOptions } from '../dial/dial-tls.ts'
import { TlsFailure } from '../dial/tls-failure.ts'
import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { HINTS } from '../failure/explain.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { http } from './node-http.ts'

/**
 * An agent with which `node:http` reaches any endpoint. It ignores the host and the port of the request's URL.
 * @param dialOptions for each connection
 * @param agentOptions of Node's agent, such as `keepAlive`; then the caller destroys the agent
 */
export class EndpointAgent extends http.Agent {
  readonly #endpoint: Endpoint
  readonly #dialOptions: DialOptions

  constructor(endpoint: Endpoint, dialOptions: DialOptions = {}, agentOptions: AgentOptions = {}) {
    super(agentOptions)
    this.#endpoint = endpoint
    this.#dialOptions = dialOptions
  }

  override createConnection(
    _request: ClientRequestArgs,
    done?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    dial(this.#endpoint, this.#dialOptions).then(
      (socket) => done?.(null, socket),
      (error) => done?.(error, undefined as never),
    )
    return undefined
  }
}

/** Explains an error that `node:http` reported before a response head came. */
export function requestFailure(endpoint: Endpoint, cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'HPE_HEADER_OVERFLOW') return headTooLarge(endpoint, cause)
  // An alert of TLS after the handshake: a server may look at the certificate of its client only then (TLS 1.3).
  if (code.startsWith('ERR_SSL_')) return new TlsFailure(endpoint, cause, [])
  if (code.startsWith('HPE_')) return malformed(endpoint, 'something that is not HTTP', cause)
  if (cause instanceof TypeError && code.startsWith('ERR_')) return badRequest(endpoint, cause)
  return new Failure('upstream_reset', {
    message: `${formatEndpoint(endpoint)} closed the connection before a response`,
    hint: HINTS.ended,
    cause,
  })
}

/** An upgrade that was not requested: the connection is no longer HTTP, and is closed. */
export function switchedProtocols(endpoint: Endpoint, socket: Duplex): Failure {
  socket.destroy()
  return malformed(endpoint, 'a switch to another protocol', undefined)
}

export function noResponseInTime(endpoint: Endpoint, timeoutMs: number, cause: unknown): Failure {
  return new Failure('upstream_timeout', {
    message: `${formatEndpoint(endpoint)} did not respond within ${timeoutMs} ms`,
    hint: HINTS.paused,
    errno: 'ETIMEDOUT',
    cause,
  })
}

export function tooLarge(endpoint: Endpoint, maxBytes: number): Failure {
  return new Failure('upstream_too_large', {
    message: `the response of ${formatEndpoint(endpoint)} has more than ${maxBytes} bytes`,
    hint: 'request less, or raise maxBodyBytes',
  })
}

export function cutShort(endpoint: Endpoint, bytes: number, cause: unknown): Failure {
  return new Failure('upstream_truncated', {
    message: `the response of ${formatEndpoint(endpoint)} ended after ${bytes} bytes of an incomplete body`,
    hint: HINTS.ended,
    cause,
  })
}

function malformed(endpoint: Endpoint, what: string, cause: unknown): Failure {
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new Failure('upstream_malformed', {
    message: `${formatEndpoint(endpoint)} responded with ${what}${detail}`,
    hint: HINTS.wrongProtocol,
    errno: errnoOf(cause),
    cause,
  })
}

function headTooLarge(endpoint: Endpoint, cause: unknown): Failure {
  return new Failure('upstream_too_large', {
    message: `the response head of ${formatEndpoint(endpoint)} is over Node's limit`,
    hint: 'send fewer or shorter fields, or start this process with --max-http-header-size',
    cause,
  })
}

function badRequest(endpoint: Endpoint, cause: Error): Failure {
  return new Failure('bad_request', {
    message: `the request to ${formatEndpoint(endpoint)} is not valid HTTP: ${cause.message}`,
    hint: 'percent-encode the path, and use valid field names and values',
    cause,
  })
}

export interface RequestOptions {
  /** Default `GET`. */
  readonly method?: string
  /** Path and query. Default `/`. */
  readonly path?: string
  /** Fields of the request head. `content-length` is set from `body`. Default none. */
  readonly headers?: OutgoingHttpHeaders
  /** Text is sent as UTF-8. Default none. */
  readonly body?: string | Uint8Array
  /** Milliseconds until the last byte of the response. Default 5000. */
  readonly timeoutMs?: number
  /** Most bytes of a response body. Default 16 MiB. */
  readonly maxBodyBytes?: number
  /** An agent that keeps connections between requests. Default: one connection for this request alone. */
  readonly agent?: Agent
  /** Gives up when it aborts. Default: only `timeoutMs` does. */
  readonly signal?: AbortSignal
  /** Speaks HTTP over TLS; an `agent` has its own. Default: plain HTTP. */
  readonly tls?: TlsDialOptions | undefined
}

export interface Response {
  readonly status: number
  /** Names in lower case. */
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export const DEFAULT_REQUEST_TIMEOUT_MS = 5_000
const DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024

/**
 * Sends one HTTP/1.1 request over any endpoint and reads the whole response, within limits of time and size. Any status
 * is a success; redirects are not followed.
 * @example
 * const { status, body } = await request(parseEndpoint('unix:/run/app/api/api.sock'), { path: '/status' })
 * @throws the reason of `signal` if that has aborted
 * @throws Failure as `dial` does, or `upstream_timeout`, `upstream_reset`, `upstream_malformed`,
 * `upstream_truncated`, `upstream_too_large`, or `bad_request` for options that are not valid HTTP
 */
export async function request(endpoint: Endpoint, options: RequestOptions = {}): Promise<Response> {
  options.signal?.throwIfAborted()
  const { timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES } = options
  const deadline = AbortSignal.timeout(timeoutMs)
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline
  try {
    const message = await send(endpoint, options, signal)
    const body = await readWhole(endpoint, message, maxBodyBytes)
    return { status: message.statusCode ?? 0, headers: message.headers, body }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason
    throw deadline.aborted ? noResponseInTime(endpoint, timeoutMs, error) : requestFailure(endpoint, error)
  }
}

function send(endpoint: Endpoint, options: RequestOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { method = 'GET', path = '/', headers = {}, body, agent = agentFor(endpoint, options) } = options
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  http
    .request({ method, path, host: 'localhost', agent, headers: { ...headers, ...length }, signal })
    .once('response', resolve)
    .once('upgrade', (_message, socket) => reject(switchedProtocols(endpoint, socket)))
    .on('error', reject)
    .once('close', () => reject(new Error('closed without a response')))
    .end(body)
  return promise
}

/** A handshake has the time of the whole request: it takes two more round trips, and work on both sides. */
function agentFor(
  endpoint: Endpoint,
  { tls, timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS }: RequestOptions,
): Agent {
  return new EndpointAgent(endpoint, tls === undefined ? {} : { tls, timeoutMs })
}

async function readWhole(endpoint: Endpoint, message: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of message) {
      bytes += chunk.length
      if (bytes > maxBytes) throw tooLarge(endpoint, maxBytes)
      chunks.push(chunk)
    }
  } catch (error) {
    throw error instanceof Failure ? error : cutShort(endpoint, bytes, error)
  }
  return Buffer.concat(chunks, bytes)
}

import type { Agent, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'
import { EndpointAgent } from './endpoint-agent.ts'
import { http } from './node-http.ts'
import { cutShort, noAnswerInTime, requestFailure, switchedProtocols, tooLarge } from './request-failure.ts'

export interface RequestOptions {
  readonly method?: string
  /** Path and query. Default `/`. */
  readonly path?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  /** Milliseconds until the last byte of the answer. Default 5000. */
  readonly timeoutMs?: number
  /** Bytes of body that are read at most. Default 16 MiB. */
  readonly maxBodyBytes?: number
  /** An agent that keeps connections between requests; default: one connection for this request. */
  readonly agent?: Agent
  readonly signal?: AbortSignal
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
 * One HTTP/1.1 request over any endpoint, its answer read whole within bounds.
 * @throws Failure as `dial` does, or `upstream_timeout`, `upstream_reset`, `upstream_malformed`,
 * `upstream_truncated`, `upstream_too_large`, or `bad_request` for options that make no HTTP; the reason of `signal`
 * if that has aborted
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
    throw deadline.aborted ? noAnswerInTime(endpoint, timeoutMs, error) : requestFailure(endpoint, error)
  }
}

function send(endpoint: Endpoint, options: RequestOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { method = 'GET', path = '/', headers = {}, body, agent = new EndpointAgent(endpoint) } = options
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  http
    .request({ method, path, host: 'localhost', agent, headers: { ...headers, ...length }, signal })
    .once('response', resolve)
    .once('upgrade', (_message, socket) => reject(switchedProtocols(endpoint, socket)))
    .on('error', reject)
    .once('close', () => reject(new Error('closed without an answer')))
    .end(body)
  return promise
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

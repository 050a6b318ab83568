import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { statusOf } from '@uds-sidecar/shared/failure/failures'
import type { TraceContext } from '@uds-sidecar/shared/http/trace-context'
import { LF, QUESTION, SPACE } from '../http1/bytes.ts'
import { traceOf } from '../http1/request-fields.ts'
import type { RequestHead } from '../http1/request-head.ts'
import { KNOWN_METHODS } from '../http1/request-line.ts'
import type { AccessCode, AccessLine, RouteLog } from '../observe/access-log.ts'
import { type Caller, originOf } from './caller.ts'
import type { ClientSocket } from './client-socket.ts'
import type { Moments } from './moments.ts'
import type { RequestSender } from './request-sender.ts'
import type { ResponseSender } from './response-sender.ts'

/** Bytes of a path that are kept for the log, which shows fewer characters. */
const PATH_BYTES = 1_024

/** What a tunnel adds to the line of the request that opened it. */
interface TunnelEnd {
  readonly code: AccessCode | null
  readonly bytesFromClient: number
  readonly bytesToClient: number
}

/** Writes the line of a request that became a tunnel, when that ends. */
export type FinishTunnel = (end: TunnelEnd) => void

/** What the access log says about the requests of one client connection, one after the other. */
export class ExchangeLog {
  readonly #log: RouteLog
  readonly #client: ClientSocket
  readonly #request: RequestSender
  readonly #response: ResponseSender
  readonly #moments: Moments
  /** Of the current request; empty while nothing is logged. */
  #path = ''
  #requestId: string | null = null
  #headBytes = 0
  /** What the client's connection had got before. */
  #writtenBefore = 0
  /** The client that sent it. */
  user: string | null = null
  /** Why it was refused or failed. */
  code: AccessCode | null = null
  trace: TraceContext | null = null

  constructor(
    log: RouteLog,
    client: ClientSocket,
    request: RequestSender,
    response: ResponseSender,
    moments: Moments,
  ) {
    this.#log = log
    this.#client = client
    this.#request = request
    this.#response = response
    this.#moments = moments
  }

  /** @param bytes the buffer that `head` was parsed from, where it begins at `start` */
  start(head: RequestHead, bytes: Buffer, start: number): void {
    const { requestIdStart, requestIdFrom, requestIdTo } = head
    this.user = null
    this.code = null
    this.trace = head.traceparents === 0 ? null : traceOf(head, bytes)
    this.#headBytes = head.end - start
    this.#writtenBefore = this.#client.written
    this.#path = this.#log.isOff ? '' : pathOf(head, bytes, this.#path)
    this.#requestId = requestIdStart < 0 ? null : bytes.toString('latin1', requestIdFrom, requestIdTo)
  }

  /** The request is over. */
  end(): void {
    this.#log.add(this.#status(), this.code, () => this.#line(this.#moments.nowMs()))
  }

  /** The request has become a tunnel: its line is written when that ends. */
  tunnel(): FinishTunnel {
    const line = this.#line(this.#moments.nowMs())
    const { startedMs } = this.#moments
    return ({ code, bytesFromClient, bytesToClient }) =>
      this.#log.add(line.status, code, () => ({
        ...line,
        code,
        bytesFromClient: line.bytesFromClient + bytesFromClient,
        bytesToClient: line.bytesToClient + bytesToClient,
        totalMs: this.#moments.nowMs() - startedMs,
      }))
  }

  /** Null: no head of a response was written. */
  #status(): number | null {
    return this.#response.hasBegun ? this.#response.status : null
  }

  /** A step that was not finished took until the end. */
  #line(endMs: number): AccessLine {
    const { startedMs, askedMs, dialledMs, begunMs, respondedMs } = this.#moments
    const { address, uid } = originOf(this.#client.caller)
    return {
      msg: 'request',
      client: this.user,
      address,
      uid,
      method: this.#response.method,
      path: this.#path,
      status: this.#status(),
      code: this.code,
      bytesFromClient: this.#headBytes + this.#request.bodyBytes,
      bytesToClient: this.#client.written - this.#writtenBefore,
      requestId: this.#requestId ?? this.#request.givenId,
      trace: this.trace,
      queueMs: askedMs === 0 ? null : (dialledMs || begunMs || endMs) - askedMs,
      connectMs: dialledMs === 0 ? null : (begunMs || endMs) - dialledMs,
      headMs: begunMs === 0 ? null : (respondedMs || endMs) - begunMs,
      totalMs: endMs - startedMs,
    }
  }
}

/** What is said of a request that got no further than its head, or of a connection that sent none. */
export const NOTHING_KNOWN: Omit<AccessLine, 'totalMs'> = {
  msg: 'request',
  client: null,
  address: null,
  uid: null,
  method: null,
  path: null,
  status: null,
  code: null,
  bytesFromClient: 0,
  bytesToClient: 0,
  requestId: null,
  trace: null,
  queueMs: null,
  connectMs: null,
  headMs: null,
}

/** A request whose head is refused. */
interface RefusedHead {
  /** Bytes that begin with it, as far as it is here; null: nothing was read. */
  readonly head: Buffer | null
  /** Of the problem response; 0: none was written. */
  readonly bytesToClient: number
}

/** Logs a request whose head is refused, or a connection without a place. */
export function logRefused(
  log: RouteLog,
  caller: Pick<Caller, 'address' | 'uid'>,
  { code }: Pick<Failure, 'code'>,
  { head, bytesToClient }: RefusedHead,
): void {
  const status = bytesToClient === 0 ? null : statusOf(code)
  log.add(status, code, () => ({
    ...NOTHING_KNOWN,
    ...originOf(caller),
    ...(head === null ? {} : requestLineOf(head)),
    status,
    code,
    bytesFromClient: head?.length ?? 0,
    bytesToClient,
    totalMs: 0,
  }))
}

/** @param last the path before, which is often the same; comparing costs less than a new string */
function pathOf({ impliedPath, targetStart, pathEnd }: RequestHead, bytes: Buffer, last: string): string {
  if (impliedPath !== '') return impliedPath
  const end = Math.min(pathEnd, targetStart + PATH_BYTES)
  return isText(bytes, targetStart, end, last) ? last : bytes.toString('latin1', targetStart, end)
}

/** Whether `bytes[start, end)` is this text in Latin-1. */
function isText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (text.length !== end - start) return false
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text.charCodeAt(at)) return false
  return true
}

/** A method, as clients send it by mistake too. */
const METHOD = /^[A-Za-z][A-Za-z-]{0,23}$/
const TARGET = /^(?:\/|\*|[A-Za-z][A-Za-z0-9+.-]*:\/\/)/

/**
 * Method and path of a request line that may be malformed. What is no request line at all is not shown: it may be a part of a
 * body or a field, and so a secret.
 */
function requestLineOf(bytes: Buffer): { method: string | null; path: string | null } {
  const newline = bytes.indexOf(LF)
  const line = bytes.subarray(0, newline < 0 ? bytes.length : newline)
  const space = line.indexOf(SPACE)
  const method = line.toString('latin1', 0, Math.min(space < 0 ? line.length : space, PATH_BYTES)).trimEnd()
  if (space < 0) return { method: KNOWN_METHODS.has(method) ? method : null, path: null }
  const rest = line.subarray(space + 1)
  const ends = [rest.indexOf(QUESTION), rest.indexOf(SPACE), rest.length].filter((end) => end >= 0)
  const target = rest.toString('latin1', 0, Math.min(...ends, PATH_BYTES)).trimEnd()
  const isRequest = METHOD.test(method) && (TARGET.test(target) || method === 'CONNECT')
  return isRequest ? { method, path: withoutAuthority(target) } : { method: null, path: null }
}

/** An authority may have a password in front of its host. */
function withoutAuthority(target: string): string {
  if (target.startsWith('/')) return target
  const path = /^[^/]*:\/\/[^/]*(?<path>\/.*)?$/s.exec(target)
  return path === null ? target.replace(/^.*@/s, '') : (path.groups?.path ?? '/')
}

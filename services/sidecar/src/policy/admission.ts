import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { RequestHead } from '../http1/request-head.ts'
import { type AllowList, isNormalPath } from './allow-list.ts'

/** A request that is refused. */
export interface Refused {
  readonly failure: Failure
  /** The value of the `Allow` field that a 405 needs (RFC 9110 section 15.5.6). */
  readonly allow?: string
  /** Values of `WWW-Authenticate`, which a 401 needs (RFC 9110 section 15.5.2). */
  readonly challenges?: readonly string[]
}

/** `OPTIONS` for the sidecar itself; `allow` has the methods that the route allows there. */
export interface OptionsForSidecar {
  readonly allow: string
}

/**
 * The first half of the decision about a request that has a valid head: its path must be in its normal form, and the
 * route must allow path and method to somebody.
 * @param bytes the buffer that `head` was parsed from.
 * @returns the names of the clients that it is allowed to; none: to everybody.
 */
export function judgeTarget(allow: AllowList, head: RequestHead, bytes: Buffer): Refused | readonly string[] {
  const { path, from, to } = pathOf(head, bytes)
  if (!isNormalPath(path, from, to)) return { failure: notNormal(textOf(path, from, to)) }
  return allow.clientsFor(head.method, path, from, to) ?? notAllowed(allow, head, bytes)
}

/**
 * The second half, once the caller may send the request: the announced body must have at most `maxBodyBytes`.
 * @returns null for a request that is forwarded.
 */
export function judgeSize(
  allow: AllowList,
  maxBodyBytes: number,
  head: RequestHead,
  bytes: Buffer,
): Refused | OptionsForSidecar | null {
  if (head.contentLength > maxBodyBytes) return { failure: bodyTooLarge(maxBodyBytes) }
  if (head.maxForwards !== 0) return null
  const { path, from, to } = pathOf(head, bytes)
  return atLastHop(head.method, allow.methodsFor(path, from, to))
}

/** With `Max-Forwards: 0` the request is for whoever it has reached, which is the sidecar (RFC 9110 section 7.6.2). */
function atLastHop(method: string, allowed: readonly string[]): Refused | OptionsForSidecar {
  const allow = allowed.filter((name) => name !== 'TRACE').join(', ')
  return method === 'TRACE' ? { failure: traceEndsHere(), allow } : { allow }
}

/** TRACE shows what came, credentials included, to whoever can make a browser send it. */
function traceEndsHere(): Failure {
  return new Failure('method_not_allowed', {
    message: 'the sidecar itself does not take part in TRACE, and Max-Forwards is 0',
    hint: 'raise Max-Forwards, so that the request reaches the app',
  })
}

const IMPLIED = { '/': Buffer.from('/'), '*': Buffer.from('*') } as const

function pathOf({ impliedPath, targetStart, pathEnd }: RequestHead, bytes: Buffer) {
  if (impliedPath !== '') return { path: IMPLIED[impliedPath], from: 0, to: 1 }
  return { path: bytes, from: targetStart, to: pathEnd }
}

export function bodyTooLarge(maxBytes: number): Failure {
  return new Failure('body_too_large', {
    message: `the request body has more than ${maxBytes} bytes`,
    hint: 'send a smaller body, or raise limits.bodyBytes of the route',
  })
}

function notNormal(path: string): Failure {
  return new Failure('bad_request', {
    message: `the path ${path} is not in its normal form (RFC 3986 section 6.2.2)`,
    hint: 'remove dot segments, do not percent-encode letters or slashes, and write percent-encodings in upper case',
  })
}

function notAllowed(allow: AllowList, head: RequestHead, bytes: Buffer): Refused {
  const { path, from, to } = pathOf(head, bytes)
  const text = textOf(path, from, to)
  const methods = allow.methodsFor(path, from, to)
  if (methods.length === 0) return { failure: pathNotAllowed(text) }
  const hint = `use ${methods.join(' or ')}, or add the method to allow in the configuration of the route`
  const message = `${head.method} is not allowed for ${text}`
  return { failure: new Failure('method_not_allowed', { message, hint }), allow: methods.join(', ') }
}

/** Keeps a message short, whatever path the client sends. */
const MAX_PATH_CHARACTERS = 256

function textOf(path: Buffer, from: number, to: number): string {
  const text = path.toString('latin1', from, Math.min(to, from + MAX_PATH_CHARACTERS))
  return to - from > MAX_PATH_CHARACTERS ? `${text}…` : text
}

function pathNotAllowed(path: string): Failure {
  return new Failure('path_not_allowed', {
    message: `${path} is not on the allow list`,
    hint: 'if clients on the network may use it, add it to allow in the configuration of the route',
  })
}

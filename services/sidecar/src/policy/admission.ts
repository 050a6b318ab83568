import { Failure } from '@uds-sidecar/shared/failure/failure'
import { PATH_FAULT } from '../http1/normal-path.ts'
import type { RequestHead } from '../http1/request-head.ts'
import { type AllowList, type Target, targetOf } from './allow-list.ts'
import type { QueryNames } from './query-names.ts'

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
 * The first half of the decision about a request that has a valid head: all servers must read its path in one way, and
 * the route must allow path and method to somebody.
 * @param bytes the buffer that `head` was parsed from.
 * @param protocol that it switches to by a rule; null: none.
 * @returns the names of the clients that it is allowed to; none: to everybody.
 */
export function judgeTarget(
  allow: AllowList,
  head: RequestHead,
  bytes: Buffer,
  protocol: string | null = null,
): Refused | readonly string[] {
  if (head.pathBits < 0) return { failure: ambiguousPath(head, bytes) }
  const target = targetOf(head, bytes)
  const query = allow.queryOf(target)
  return (
    allow.clientsFor(head.method, target, protocol, query) ?? notAllowed(allow, head.method, target, query)
  )
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
  return atLastHop(head.method, allow.methodsFor(targetOf(head, bytes)))
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

export function bodyTooLarge(maxBytes: number): Failure {
  return new Failure('body_too_large', {
    message: `the request body has more than ${maxBytes} bytes`,
    hint: 'send a smaller body, or raise limits.bodyBytes of the route',
  })
}

function ambiguousPath({ targetStart, pathEnd, pathBits }: RequestHead, bytes: Buffer): Failure {
  const path = textOf(bytes, targetStart, pathEnd)
  return new Failure('bad_request', {
    message: `the path ${path} ${PATH_FAULT[pathBits]}, which servers read in different ways`,
    hint: 'send the path without it; percent-encode a % that stands for itself as %25',
  })
}

function notAllowed(allow: AllowList, method: string, target: Target, query: QueryNames | null): Refused {
  const text = textOf(target.path, target.from, target.to)
  const methods = allow.methodsFor(target, query)
  if (methods.length === 0) return { failure: noRule(allow, method, target, query, text) }
  if (methods.includes(method)) return { failure: onlyUpgrade(method, text) }
  const hint = `use ${methods.join(' or ')}, or add the method to allow in the configuration of the route`
  const message = `${method} is not allowed for ${text}`
  return { failure: new Failure('method_not_allowed', { message, hint }), allow: methods.join(', ') }
}

/** The rules that match let the request switch protocols, and it does not ask for that. */
function onlyUpgrade(method: string, path: string): Failure {
  return new Failure('path_not_allowed', {
    message: `${method} ${path} is on the allow list only for a request that switches to another protocol`,
    hint: 'send Upgrade with the protocol of the rule and Connection: Upgrade; or add the same rule without upgrade to allow in the configuration of the route',
  })
}

/**
 * A query that no rule for the path allows counts as a path that is on no rule: the rule as a whole, query included, says
 * what there is, and so neither another method nor another client would help.
 */
function noRule(
  allow: AllowList,
  method: string,
  target: Target,
  query: QueryNames | null,
  text: string,
): Failure {
  const name = allow.refusedName(method, target, query)
  if (name !== null) return queryNotAllowed(text, name)
  // 400 and not 403: no rule says that the slash is data, so some server could take it for the end of a segment.
  return target.hasEncodedSlash && !allow.isEncodedSlashAllowed ? encodedSlash(text) : pathNotAllowed(text)
}

function queryNotAllowed(path: string, name: string): Failure {
  return new Failure('path_not_allowed', {
    message: `${path} is not on the allow list with ${JSON.stringify(name)} as a name in its query`,
    hint: 'remove it from the query; if clients may use it, add the name after the ? of the rule in the configuration of the route',
  })
}

function encodedSlash(path: string): Failure {
  return new Failure('bad_request', {
    message: `the path ${path} has an encoded slash where no rule of the route has one`,
    hint: 'write / if it separates segments; if it is data, add a rule with %2F in that place, or set encodedSlash: allow for the route',
  })
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

/** What a reload leaves of the connections of a route that it changes. */
import { isDeepStrictEqual } from 'node:util'
import type { Route } from '../config/config.ts'
import type { Caller } from './caller.ts'

/**
 * Whether connections of `former` may be judged by the rules of `next`, which has its port. Not when the one has TLS and
 * the other has not: rules may rely on it.
 */
export function isSuccession(former: Route, next: Route): boolean {
  return (former.tls === undefined) === (next.tls === undefined)
}

/** A certificate proves an identity only to a listener with the same CA. */
export function callerFor(former: Route, next: Route, caller: Caller): Caller {
  if (caller.certificate === null || former.tls?.clientCa === next.tls?.clientCa) return caller
  return { ...caller, certificate: null }
}

export function isSameUpstream(former: Route, next: Route): boolean {
  return isDeepStrictEqual(former.upstream, next.upstream)
}

import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'

/** Of each kind, the last so many are kept. */
export const FAILURES_KEPT = 20
export const CHANGES_KEPT = 40
const DETAIL_CHARACTERS = 200

/** One failed or refused request or connection. */
export interface RecentFailure {
  readonly at: Date
  readonly code: FailureCode
  readonly detail: string
  /** What to do; empty where the code says all there is. */
  readonly hint: string
}

/** What can happen to the upstream of a route, or to the route: a mark on its charts. */
export type Change = 'up' | 'down' | 'new socket' | 'reload'

export interface RecentChange {
  readonly at: Date
  /** In milliseconds of `performance.now()`: charts do not follow a clock that is set. */
  readonly atMs: number
  readonly change: Change
  readonly detail: string
}

/** What to do about connections that are cut: these failures come without a text of their own. */
const HINTS_OF_CUTS: Partial<Record<FailureCode, string>> = {
  upstream_reset: 'the server ended or crashed: see its log',
  upstream_truncated: 'the server ended or crashed: see its log',
  upstream_timeout: 'the server may be paused or overloaded: check it, or raise the timeouts of the route',
  client_timeout: 'the client was silent for too long: raise timeouts.idle of the route if that is its habit',
  draining: 'none if the sidecar was stopped or reloaded on purpose: the client connects again',
  not_permitted: 'use a client that for of the route names, or add this one to it',
  overloaded: 'raise limits.connections of the route or the descriptor limit (ulimits: nofile in Compose)',
}

/** The last failures and changes of one route, for people: `/` of the operations port. The oldest are forgotten. */
export class RecentEvents {
  readonly failed: RecentFailure[] = []
  /** Apart from `failed`, so that a scanner that meets 403 does not push out what the upstream did. */
  readonly refused: RecentFailure[] = []
  readonly changes: RecentChange[] = []

  /** @param failure without a text where a connection was cut */
  add(failure: Failure | FailureCode, isUpstream: boolean): void {
    const kept = isUpstream ? this.failed : this.refused
    const { code, message, hint } = typeof failure === 'string' ? cut(failure) : failure
    kept.push({ at: new Date(), code, detail: ownCopy(message), hint })
    if (kept.length > FAILURES_KEPT) kept.shift()
  }

  changed(change: Change, detail = ''): void {
    this.changes.push({ at: new Date(), atMs: performance.now(), change, detail: ownCopy(detail) })
    if (this.changes.length > CHANGES_KEPT) this.changes.shift()
  }
}

function cut(code: FailureCode) {
  return { code, message: FAILURES[code].title, hint: HINTS_OF_CUTS[code] ?? '' }
}

/** A part of a string keeps the whole alive, which may be the head of a request. */
function ownCopy(text: string): string {
  const isLong = text.length > DETAIL_CHARACTERS
  return Buffer.from(isLong ? `${text.slice(0, DETAIL_CHARACTERS)}…` : text).toString()
}

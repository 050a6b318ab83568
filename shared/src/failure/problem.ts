import type { Failure } from './failure.ts'
import { FAILURES } from './failures.ts'

/** A problem details object (RFC 9457) with this project's extension members. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly errno?: string
  readonly hint: string
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** Seconds that a client is asked to wait (`Retry-After`, RFC 9110 section 10.2.3) with every 503. */
export const RETRY_AFTER_SECONDS = 1

export function problemOf(failure: Failure): Problem {
  const { status, title } = FAILURES[failure.code]
  return {
    type: 'about:blank',
    title,
    status: status ?? 500,
    detail: failure.message,
    code: failure.code,
    ...(failure.errno === undefined ? {} : { errno: failure.errno }),
    hint: failure.hint,
  }
}

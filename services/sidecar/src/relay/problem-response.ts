import {
  type Failure,
  PROBLEM_CONTENT_TYPE,
  problemOf,
  RETRY_AFTER_SECONDS,
} from '@uds-sidecar/shared/failure/failure'
import { STATUS_PHRASES, statusOf } from '@uds-sidecar/shared/failure/failures'

export interface ProblemResponseOptions {
  /** The value of `Connection`; null: the connection is kept, which is the default of HTTP/1.1. */
  readonly connection: 'close' | 'keep-alive' | null
  /** For HEAD: the head alone. */
  readonly headOnly: boolean
  /** The value of `Allow`. */
  readonly allow?: string | undefined
  /** Values of `WWW-Authenticate`. */
  readonly challenges?: readonly string[] | undefined
}

/** A whole response with a problem details body (RFC 9457). */
export function problemResponse(
  failure: Failure,
  { connection, headOnly, allow, challenges = [] }: ProblemResponseOptions,
): Buffer {
  const status = statusOf(failure.code)
  const retryAfter = retryAfterSeconds(status)
  const body = JSON.stringify(problemOf(failure))
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_PHRASES[status]}`,
    `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    `Date: ${new Date().toUTCString()}`,
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
    ...challenges.map((challenge) => `WWW-Authenticate: ${challenge}`),
    ...(allow === undefined ? [] : [`Allow: ${allow}`]),
    ...(connection === null ? [] : [`Connection: ${connection}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${headOnly ? '' : body}`)
}

/** After failed attempts: the minute in which they count. */
const RETRY_AFTER_ATTEMPTS_SECONDS = 60

/** The value of `Retry-After` (RFC 9110 section 10.2.3, RFC 6585 section 4). */
export function retryAfterSeconds(status: number): number | undefined {
  if (status === 503) return RETRY_AFTER_SECONDS
  return status === 429 ? RETRY_AFTER_ATTEMPTS_SECONDS : undefined
}

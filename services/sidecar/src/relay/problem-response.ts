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
}

/** A whole response with a problem details body (RFC 9457). */
export function problemResponse(
  failure: Failure,
  { connection, headOnly, allow }: ProblemResponseOptions,
): Buffer {
  const status = statusOf(failure.code)
  const body = JSON.stringify(problemOf(failure))
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_PHRASES[status]}`,
    `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    `Date: ${new Date().toUTCString()}`,
    ...(status === 503 ? [`Retry-After: ${RETRY_AFTER_SECONDS}`] : []),
    ...(allow === undefined ? [] : [`Allow: ${allow}`]),
    ...(connection === null ? [] : [`Connection: ${connection}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${headOnly ? '' : body}`)
}

import {
  type Failure,
  PROBLEM_CONTENT_TYPE,
  problemOf,
  RETRY_AFTER_SECONDS,
} from '@uds-sidecar/shared/failure/failure'
import { FAILURES } from '@uds-sidecar/shared/failure/failures'
import { dateLine } from '../http1/rewrite-response.ts'

/** Of the statuses in the failure table; `node:http` has them too, and takes 10 ms to load. */
const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',

  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

export interface ProblemAnswerOptions {
  /** What becomes of the client's connection; null: it is kept, which HTTP/1.1 need not be told. */
  readonly connection: 'close' | 'keep-alive' | null
  /** For HEAD: the head alone. */
  readonly headOnly: boolean
  /** The value of `Allow`. */
  readonly allow?: string | undefined
}

/** The status that `failure` is answered with. */
export function statusOf(failure: Failure): number {
  return FAILURES[failure.code].status ?? 502
}

/** A whole response with a problem details body (RFC 9457). */
export function problemAnswer(
  failure: Failure,
  { connection, headOnly, allow }: ProblemAnswerOptions,
): Buffer {
  const status = statusOf(failure)
  const body = JSON.stringify(problemOf(failure))
  const lines = [
    `HTTP/1.1 ${status} ${PHRASES[status]}`,
    `Content-Type: ${PROBLEM_CONTENT_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    `${dateLine()}`.trimEnd(),
    ...(status === 503 ? [`Retry-After: ${RETRY_AFTER_SECONDS}`] : []),
    ...(allow === undefined ? [] : [`Allow: ${allow}`]),
    ...(connection === null ? [] : [`Connection: ${connection}`]),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${headOnly ? '' : body}`)
}

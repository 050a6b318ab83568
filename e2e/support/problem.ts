import type { Response } from '@uds-sidecar/shared/http/request'

/** Status and problem code of an answer, such as `503 socket_stale`; the code is missing where there is no problem. */
export function statusAndCode({ status, headers, body }: Response): string {
  if (headers['content-type']?.split(';')[0] !== 'application/problem+json') return String(status)
  return `${status} ${JSON.parse(body.toString()).code}`
}

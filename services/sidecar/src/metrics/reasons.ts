import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'

/** The failures that can befall a connection or a request: those with a status, and an answer cut in mid-body. */
export const REASONS = (Object.keys(FAILURES) as FailureCode[]).filter(
  (code) => FAILURES[code].status !== null || code === 'upstream_truncated',
)

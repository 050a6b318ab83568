import { CodedError, type FailureDetails } from '@uds-sidecar/shared/failure/failure'
import {
  EXIT,
  FAILURES,
  type FailureCode,
  type FailureRow,
  failureRow,
} from '@uds-sidecar/shared/failure/failures'

/** The type forbids a second row for a code of the shared table. */
type OwnRows = Record<string, FailureRow> & Partial<Record<FailureCode, never>>

const OWN = {
  dependency_down: failureRow(503, EXIT.notAnswering, 'warn', 'A service that this one needs is unavailable'),
  not_found: failureRow(404, EXIT.usage, 'info', 'Nothing is served at this path'),
  feature_off: failureRow(403, EXIT.denied, 'info', 'The feature is switched off'),
} as const satisfies OwnRows

/** The failure contract of the app: the shared codes and those that only the app uses. */
export const APP_FAILURES = { ...FAILURES, ...OWN }

export type AppFailureCode = keyof typeof APP_FAILURES

/** What a handler of the app throws; `sendProblem` turns it into the response. */
export class AppFailure extends CodedError<AppFailureCode> {
  constructor(code: AppFailureCode, details: FailureDetails) {
    super(APP_FAILURES, code, details)
  }
}

import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'

/** Counts failures by reason: a code of the failure contract, or else the system's error name. */
export class ErrorCounts {
  readonly byReason: Record<string, number> = {}

  count(error: unknown): void {
    const reason = error instanceof Failure ? error.code : errnoOf(error)
    if (reason === undefined) throw error
    this.byReason[reason] = (this.byReason[reason] ?? 0) + 1
  }
}

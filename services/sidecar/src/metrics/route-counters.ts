import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { REASONS } from './reasons.ts'

/** What one route counts: plain numbers, so that counting costs nothing; the exposition reads them when scraped. */
export class RouteCounters {
  connectionsOpen = 0
  connectionsTotal = 0
  /** Bytes of stream routes towards the upstream. */
  bytesSent = 0
  /** Bytes of stream routes from the upstream. */
  bytesReceived = 0
  readonly failures = new Map<FailureCode, number>(REASONS.map((code) => [code, 0]))

  fail(code: FailureCode): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1)
  }
}

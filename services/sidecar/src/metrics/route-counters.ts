import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { methodLabel } from '../http/head/method.ts'
import { Latencies } from './latencies.ts'
import { REASONS } from './reasons.ts'

/** What one route counts: plain numbers, so that counting costs nothing; the exposition reads them when scraped. */
export class RouteCounters {
  connectionsOpen = 0
  connectionsTotal = 0
  /** Bytes of stream routes towards the upstream. */
  bytesSent = 0
  /** Bytes of stream routes from the upstream. */
  bytesReceived = 0
  /** Answers by method and status; a client that left before its answer is a 499. */
  readonly answers = new Map<string, Map<number, number>>()
  readonly latencies = new Latencies()
  readonly failures = new Map<FailureCode, number>(REASONS.map((code) => [code, 0]))

  fail(code: FailureCode): void {
    this.failures.set(code, (this.failures.get(code) ?? 0) + 1)
  }

  answered(method: string, status: number, ms: number): void {
    const byStatus = this.#answersOf(methodLabel(method))
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
    this.latencies.observe(ms / 1_000)
  }

  #answersOf(label: string): Map<number, number> {
    const known = this.answers.get(label)
    if (known !== undefined) return known
    const fresh = new Map<number, number>()
    this.answers.set(label, fresh)
    return fresh
  }
}

import { FAILURES, type FailureCode } from '@uds-sidecar/shared/failure/failures'
import { KNOWN_METHODS } from '../http1/request-line.ts'

/** Upper bounds in seconds; what takes longer counts in the sum and the total alone. */
export const LATENCY_BOUNDS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
] as const

/** A histogram of durations. */
export class Latencies {
  /** How many fell between the bound before and this one; past the last bound at the end. */
  readonly counts = new Float64Array(LATENCY_BOUNDS.length + 1)
  sumSeconds = 0

  observe(seconds: number): void {
    let index = 0
    while (index < LATENCY_BOUNDS.length && seconds > (LATENCY_BOUNDS[index] as number)) index++
    this.counts[index] = (this.counts[index] as number) + 1
    this.sumSeconds += seconds
  }
}

/** The failures that can befall a connection or a request: those with a status, and a response cut in mid-body. */
export const REASONS = (Object.keys(FAILURES) as FailureCode[]).filter(
  (code) => FAILURES[code].status !== null || code === 'upstream_truncated',
)

/** An unknown method is counted as `other`: a client must not be able to make series. */
function methodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : 'other'
}

/** What one route counts: plain numbers, so that counting costs nothing; the exposition reads them when scraped. */
export class RouteCounters {
  connectionsOpen = 0
  connectionsTotal = 0
  /** Bytes of stream routes towards the upstream. */
  bytesSent = 0
  /** Bytes of stream routes from the upstream. */
  bytesReceived = 0
  /** Answers by method and status; a client that left before its response is a 499. */
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

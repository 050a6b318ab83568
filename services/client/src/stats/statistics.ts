import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** The middle number, or the mean of the two in the middle; NaN of none. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/** The number that `percent` per cent of the numbers do not exceed (nearest rank); NaN of none. */
export function percentile(numbers: readonly number[], percent: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** @param numbers at least one */
export function spreadOf(numbers: readonly number[]): Spread {
  return { median: median(numbers), min: Math.min(...numbers), max: Math.max(...numbers) }
}

/** Latencies in nanoseconds, three significant digits (HdrHistogram). */
export type Latencies = RecordableHistogram

const AN_HOUR_NS = 3_600_000_000_000
const NS_PER_MS = 1e6
const NS_PER_US = 1e3

export function newLatencies(): Latencies {
  return createHistogram({ lowest: 1, highest: AN_HOUR_NS, figures: 3 })
}

export function recordMs(latencies: Latencies, ms: number): void {
  latencies.record(Math.max(1, Math.round(ms * NS_PER_MS)))
}

/** In microseconds; all 0 when nothing was recorded. */
export interface LatencySummary {
  readonly minUs: number
  readonly meanUs: number
  readonly p50Us: number
  readonly p90Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
}

export function summarise(latencies: Latencies): LatencySummary {
  const at = (percent: number) => (latencies.count === 0 ? 0 : latencies.percentile(percent) / NS_PER_US)
  return {
    minUs: latencies.count === 0 ? 0 : latencies.min / NS_PER_US,
    meanUs: latencies.count === 0 ? 0 : latencies.mean / NS_PER_US,
    p50Us: at(50),
    p90Us: at(90),
    p99Us: at(99),
    p999Us: at(99.9),
    maxUs: latencies.count === 0 ? 0 : latencies.max / NS_PER_US,
  }
}

/** The latency in microseconds that `percent` per cent of the requests do not exceed. */
export function percentileUs(latencies: Latencies, percent: number): number {
  return latencies.percentile(percent) / NS_PER_US
}

import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { byBlame, LATENCY_BOUNDS, type RouteCounters } from './route-counters.ts'
import type { RouteView } from './route-report.ts'

export const INTERVAL_MS = 15_000
/** 15 minutes. */
export const INTERVALS_KEPT = 60

/** What one route did in one span of time. */
export interface Interval {
  /** In milliseconds of `performance.now()`. */
  readonly startMs: number
  readonly endMs: number
  /** Responses; on routes that relay no HTTP, connections accepted. */
  readonly requests: number
  /** Failed and refused requests and connections; only codes that occurred. */
  readonly failures: ReadonlyMap<FailureCode, number>
  /** Of these: refused, although the code is one of the upstream. */
  readonly faultsOfClients: ReadonlyMap<FailureCode, number>
  /** In seconds; null without requests. */
  readonly p50: number | null
  readonly p99: number | null
  /** Open at the end. */
  readonly connections: number
}

const NO_FAILURES: ReadonlyMap<FailureCode, number> = new Map()

type Source = Pick<RouteView, 'route' | 'counters'>

/** The counters of a route at one moment. */
interface Totals {
  readonly atMs: number
  readonly requests: number
  readonly failures: ReadonlyMap<FailureCode, number>
  readonly faultsOfClients: ReadonlyMap<FailureCode, number>
  readonly latencies: Float64Array
}

interface RouteHistory {
  readonly intervals: Interval[]
  last: Totals
}

/**
 * The last 15 minutes of each route, in intervals of 15 s. With the last failures and changes it takes about 60 KiB for a
 * route, and at most 140 KiB when all codes occur in each interval, however many requests there are. The history belongs to the counters of a route, and lives as long as they do.
 */
export class History implements Disposable {
  readonly #routes = new WeakMap<RouteCounters, RouteHistory>()
  readonly #sources: () => readonly Source[]
  readonly #clock: () => number
  readonly #timer: NodeJS.Timeout
  /** When the interval that runs now began. */
  #startMs: number

  /**
   * @param sources all routes that run now.
   * @param clock in milliseconds, monotonic; a test passes its own.
   */
  constructor(sources: () => readonly Source[], clock: () => number = () => performance.now()) {
    this.#sources = sources
    this.#clock = clock
    this.#startMs = clock()
    this.#timer = setInterval(() => this.sample(), INTERVAL_MS).unref()
  }

  /** Ends the interval that runs now. Called every 15 s. */
  sample(): void {
    const nowMs = this.#clock()
    for (const source of this.#sources()) {
      const history = this.#historyOf(source)
      const totals = totalsOf(source, nowMs)
      history.intervals.push(intervalOf(history.last, totals, source))
      if (history.intervals.length > INTERVALS_KEPT) history.intervals.shift()
      history.last = totals
    }
    this.#startMs = nowMs
  }

  /** The intervals of a route, oldest first; the last is the one that runs now. */
  of(source: Source): readonly Interval[] {
    const { intervals, last } = this.#historyOf(source)
    return [...intervals, intervalOf(last, totalsOf(source, this.#clock()), source)]
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
  }

  /** A route that was not seen before began within this interval, and its counters at 0. */
  #historyOf({ counters }: Source): RouteHistory {
    const known = this.#routes.get(counters)
    if (known !== undefined) return known
    const last: Totals = {
      atMs: this.#startMs,
      requests: 0,
      failures: NO_FAILURES,
      faultsOfClients: NO_FAILURES,
      latencies: new Float64Array(LATENCY_BOUNDS.length + 1),
    }
    const fresh = { intervals: [], last }
    this.#routes.set(counters, fresh)
    return fresh
  }
}

function totalsOf({ route, counters }: Source, atMs: number): Totals {
  const { failures, faultsOfClients, latencies, connectionsTotal } = counters
  return {
    atMs,
    requests: route.kind === 'stream' ? connectionsTotal : responsesOf(counters),
    failures: increases(NO_FAILURES, failures),
    faultsOfClients: increases(NO_FAILURES, faultsOfClients),
    latencies: latencies.counts.slice(),
  }
}

function responsesOf({ responses }: RouteCounters): number {
  let sum = 0
  for (const byStatus of responses.values()) for (const count of byStatus.values()) sum += count
  return sum
}

function intervalOf(before: Totals, now: Totals, { counters }: Source): Interval {
  const latencies = now.latencies.map((count, index) => count - (before.latencies[index] ?? 0))
  return {
    startMs: before.atMs,
    endMs: now.atMs,
    requests: now.requests - before.requests,
    failures: increases(before.failures, now.failures),
    faultsOfClients: increases(before.faultsOfClients, now.faultsOfClients),
    p50: quantile(0.5, latencies),
    p99: quantile(0.99, latencies),
    connections: counters.connectionsOpen,
  }
}

/** Only codes that occurred. */
function increases(
  before: ReadonlyMap<FailureCode, number>,
  now: ReadonlyMap<FailureCode, number>,
): ReadonlyMap<FailureCode, number> {
  const more = [...now]
    .map(([code, count]) => [code, count - (before.get(code) ?? 0)] as const)
    .filter(([, count]) => count > 0)
  return more.length === 0 ? NO_FAILURES : new Map(more)
}

/** How many requests failed because of the upstream, and how many were refused. */
export function blame(interval: Interval): { readonly failed: number; readonly refused: number } {
  const sum = (counts: readonly (readonly [FailureCode, number])[]) =>
    counts.reduce((total, [, count]) => total + count, 0)
  const { failed, refused } = byBlame(interval)
  return { failed: sum(failed), refused: sum(refused) }
}

/**
 * The duration, in seconds, that the share `q` of the requests did not exceed, estimated within its bucket as
 * `histogram_quantile` of Prometheus does; null without requests. Above all bounds it is the highest of them.
 */
export function quantile(q: number, counts: Float64Array): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let left = q * total
  for (const [index, upper] of LATENCY_BOUNDS.entries()) {
    const count = counts[index] ?? 0
    const lower = LATENCY_BOUNDS[index - 1] ?? 0
    if (count > 0 && left <= count) return lower + ((upper - lower) * left) / count
    left -= count
  }
  return LATENCY_BOUNDS.at(-1) ?? null
}

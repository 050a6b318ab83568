import type { MetricFamily, Sample } from '../exposition/parse-exposition.ts'

/** The counters of one route in one scrape of the sidecar. */
export interface RouteScrape {
  /** Whether the upstream accepts connections; null: the route has none of its own. */
  readonly isUp: boolean | null
  readonly generation: number | null
  readonly connections: number
  readonly connectionsTotal: number
  readonly requests: number
  /** What failed or was refused, by code. */
  readonly failures: ReadonlyMap<string, number>
  /** Requests that took at most so many seconds, cumulative; null: the route counts no requests. */
  readonly buckets: ReadonlyMap<number, number> | null
}

/** One scrape, by route in the order of the sidecar. */
export type Scrape = ReadonlyMap<string, RouteScrape>

/** What went through one route between two scrapes. */
export interface Traffic {
  readonly route: string
  readonly state: 'up' | 'down' | null
  readonly generation: number | null
  readonly connections: number
  readonly connectionsPerSecond: number
  /** Null: the route relays bytes, and sees no requests. */
  readonly requestsPerSecond: number | null
  /** Estimated from the histogram, as `histogram_quantile` does; null: there was no request. */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  /** In this interval, by code. */
  readonly failures: Readonly<Record<string, number>>
}

/** The metrics that say what failed, and their label with the code. */
const FAILURES: Readonly<Record<string, string>> = {
  sidecar_upstream_errors_total: 'reason',
  sidecar_requests_refused_total: 'code',
}
const BUCKET = 'sidecar_request_duration_seconds_bucket'

/** Reads what the sidecar counts for each route. */
export function scrapeOf(families: readonly MetricFamily[]): Scrape {
  const samples = families.flatMap((family) => family.samples)
  const routes = new Set(samples.map(({ labels }) => labels.route).filter((route) => route !== undefined))
  const byRoute = Map.groupBy(samples, ({ labels }) => labels.route)
  const scrapes = [...routes].map((route) => [route, routeScrapeOf(byRoute.get(route) ?? [])] as const)
  return new Map(scrapes.filter(([, scrape]) => scrape !== null) as [string, RouteScrape][])
}

/** Null: it is no route, but what else has the label, such as the operations port. */
function routeScrapeOf(samples: readonly Sample[]): RouteScrape | null {
  const named = (name: string) => samples.filter((sample) => sample.name === name)
  const one = (name: string) => named(name).map(numberOf)[0]
  const connections = one('sidecar_connections')
  if (connections === undefined) return null
  const up = one('sidecar_upstream_up')
  const buckets = named(BUCKET).map(
    (sample) => [Number(sample.labels.le?.replace('+Inf', 'Infinity')), numberOf(sample)] as const,
  )
  return {
    isUp: up === undefined ? null : up === 1,
    generation: one('sidecar_upstream_generation') ?? null,
    connections,
    connectionsTotal: one('sidecar_connections_total') ?? 0,
    requests: named('sidecar_requests_total')
      .map(numberOf)
      .reduce((sum, value) => sum + value, 0),
    failures: failuresOf(samples),
    buckets: buckets.length === 0 ? null : new Map(buckets.toSorted(([a], [b]) => a - b)),
  }
}

function failuresOf(samples: readonly Sample[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const sample of samples) {
    const label = FAILURES[sample.name]
    const code = label === undefined ? undefined : sample.labels[label]
    if (code !== undefined) counts.set(code, (counts.get(code) ?? 0) + numberOf(sample))
  }
  return counts
}

function numberOf({ value }: Sample): number {
  return Number(value)
}

/** What went through each route of `next` in the `seconds` since `previous`. A route that is new counts from 0. */
export function trafficBetween(previous: Scrape, next: Scrape, seconds: number): Traffic[] {
  return [...next].map(([route, now]) => {
    const before = previous.get(route)
    const buckets = increases(before?.buckets ?? new Map(), now.buckets ?? new Map())
    const failures = [...increases(before?.failures ?? new Map(), now.failures)].filter(
      ([, count]) => count > 0,
    )
    return {
      route,
      state: now.isUp === null ? null : now.isUp ? 'up' : 'down',
      generation: now.generation,
      connections: now.connections,
      connectionsPerSecond: increase(before?.connectionsTotal ?? 0, now.connectionsTotal) / seconds,
      requestsPerSecond:
        now.buckets === null ? null : increase(before?.requests ?? 0, now.requests) / seconds,
      p50Ms: quantileMs(buckets, 0.5),
      p99Ms: quantileMs(buckets, 0.99),
      failures: Object.fromEntries(failures),
    }
  })
}

/** A counter that has fallen began again at 0: the sidecar was restarted. */
function increase(before: number, now: number): number {
  return now < before ? now : now - before
}

function increases<K>(before: ReadonlyMap<K, number>, now: ReadonlyMap<K, number>): Map<K, number> {
  return new Map([...now].map(([key, value]) => [key, increase(before.get(key) ?? 0, value)]))
}

/** As `histogram_quantile` of Prometheus: linear within a bucket; past the last bound, that bound. */
function quantileMs(buckets: ReadonlyMap<number, number>, quantile: number): number | null {
  const bounds = [...buckets]
  const total = bounds.at(-1)?.[1] ?? 0
  if (total === 0) return null
  const rank = quantile * total
  const at = bounds.findIndex(([, count]) => count >= rank)
  const [bound = 0, count = 0] = bounds[at] ?? []
  const [lower = 0, below = 0] = bounds[at - 1] ?? []
  if (!Number.isFinite(bound)) return lower * 1_000
  return (lower + (bound - lower) * ((rank - below) / Math.max(count - below, 1))) * 1_000
}

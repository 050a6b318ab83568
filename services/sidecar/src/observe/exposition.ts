import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import type { CredentialStatus } from '../identity/credentials.ts'
import { CREDENTIAL_METRICS, METRICS, type MetricRow, OPS_LABEL, TLS_METRICS } from './metric-table.ts'
import { LATENCY_BOUNDS, type Latencies, type RouteCounters } from './route-counters.ts'
import type { RouteView } from './route-report.ts'
import type { TlsStatus } from './tls-status.ts'

/** One sample of a histogram, in the form that prom-client renders. */
export interface HistogramValue {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

/** The samples of one histogram series: cumulative buckets, sum in seconds, and count. */
export function histogramValues(
  name: string,
  labels: Readonly<Record<string, string>>,
  { counts, sumSeconds }: Latencies,
): HistogramValue[] {
  let count = 0
  const buckets = Array.from(counts, (inBucket, index) => {
    count += inBucket
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: LATENCY_BOUNDS[index] ?? '+Inf' },
      value: count,
    }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumSeconds },
    { metricName: `${name}_count`, labels, value: count },
  ]
}

/**
 * Renders the metrics of the sidecar as Prometheus text 0.0.4. OpenMetrics is not offered: after one OpenMetrics scrape,
 * prom-client 15 renders later text scrapes wrong.
 */
export interface Exposition {
  readonly contentType: string
  render(): Promise<string>
}

type Routes = () => readonly RouteView[]

/** What is shown: read at each scrape, because a reload may change all of it. */
export interface ExpositionSources {
  routes(): readonly RouteView[]
  readonly build: BuildInfo
  opsTls(): TlsStatus | null
  credentials(): readonly CredentialStatus[]
}

export function createExposition({ routes, build, opsTls, credentials }: ExpositionSources): Exposition {
  const registry = new Registry()
  processMetrics(registry)
  buildGauge(registry, build)
  const byRoute = () => routes().map((view) => [view.route.name, view] as const)
  for (const row of METRICS) registerRow(registry, row, byRoute)
  const byListener = () => withTls(routes(), opsTls())
  for (const row of TLS_METRICS) registerRow(registry, row, byListener)
  const byClient = () => credentials().map((status) => [status.client, status] as const)
  for (const row of CREDENTIAL_METRICS) registerRow(registry, row, byClient, 'client')
  for (const histogram of HISTOGRAMS) registerHistogram(registry, histogram, routes)
  return { contentType: registry.contentType, render: () => registry.metrics() }
}

/** The default process metrics, without three gauges that end in `_total`: `promtool check metrics` refuses them. */
function processMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)
}

function buildGauge(registry: Registry, { version, revision }: BuildInfo): void {
  new Gauge({
    name: 'sidecar_build_info',
    help: 'Always 1; the version and the revision of this sidecar.',
    labelNames: ['version', 'revision'],
    registers: [registry],
  }).set({ version, revision }, 1)
}

/** What has TLS, by the label `route`. */
function withTls(routes: readonly RouteView[], opsTls: TlsStatus | null): (readonly [string, TlsStatus])[] {
  const ofRoutes = routes.flatMap(({ route, tls }) => (tls === null ? [] : [[route.name, tls] as const]))
  return opsTls === null ? ofRoutes : [...ofRoutes, [OPS_LABEL, opsTls]]
}

interface Row<T> extends Omit<MetricRow, 'samples'> {
  readonly samples: (source: T) => ReturnType<MetricRow['samples']>
}

/** The samples are collected from their sources at each scrape, so a request only increments plain numbers. */
function registerRow<T>(
  registry: Registry,
  { type, name, help, labels, samples }: Row<T>,
  sources: () => readonly (readonly [name: string, source: T])[],
  /** The label that the name of a source is. */
  label: 'route' | 'client' = 'route',
): void {
  const Type = type === 'counter' ? Counter : Gauge
  new Type({
    name,
    help,
    labelNames: [label, ...labels],
    registers: [registry],
    collect() {
      this.reset()
      for (const [name, source] of sources())
        for (const [values, sample] of samples(source)) this.inc({ [label]: name, ...values }, sample)
    },
  })
}

/** The two histograms of each HTTP route. */
export const HISTOGRAMS = [
  {
    name: 'sidecar_request_duration_seconds',
    help: 'Time from the end of a request head to the last byte of its response, in seconds.',
    of: ({ latencies }: RouteCounters) => latencies,
  },
  {
    name: 'sidecar_upstream_head_duration_seconds',
    help: 'Time from the last byte of a request to the upstream to the head of its response, in seconds.',
    of: ({ headLatencies }: RouteCounters) => headLatencies,
  },
] as const

/** Not a prom-client `Histogram`, because that can only observe single values, and the routes keep complete buckets. */
function registerHistogram(
  registry: Registry,
  { name, help, of }: (typeof HISTOGRAMS)[number],
  routes: Routes,
): void {
  const get = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: routes()
      .filter(({ route }) => route.kind === 'http')
      .flatMap(({ route, counters }) => histogramValues(name, { route: route.name }, of(counters))),
  })
  registry.registerMetric({
    name,
    help,
    type: 'histogram',
    get,
    reset() {},
    labelNames: ['route'],
  } as unknown as Metric)
}

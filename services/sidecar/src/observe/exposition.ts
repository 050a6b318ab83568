import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from 'prom-client'
import { METRICS, type MetricRow } from './metric-table.ts'
import { LATENCY_BOUNDS, type Latencies } from './route-counters.ts'
import type { RouteView } from './route-report.ts'

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

/** @param routes returns the current routes at each scrape; a reload may change them. */
export function createExposition(routes: Routes, build: BuildInfo): Exposition {
  const registry = new Registry()
  processMetrics(registry)
  buildGauge(registry, build)
  for (const row of METRICS) registerRow(registry, row, routes)
  registerHistogram(registry, routes)
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

/** The samples are collected from the routes at each scrape, so a request only increments plain numbers. */
function registerRow(
  registry: Registry,
  { type, name, help, labels, samples }: MetricRow,
  routes: Routes,
): void {
  const Type = type === 'counter' ? Counter : Gauge
  new Type({
    name,
    help,
    labelNames: ['route', ...labels],
    registers: [registry],
    collect() {
      this.reset()
      for (const view of routes())
        for (const [values, sample] of samples(view)) this.inc({ route: view.route.name, ...values }, sample)
    },
  })
}

/** Not a prom-client `Histogram`, because that can only observe single values, and the routes keep complete buckets. */
function registerHistogram(registry: Registry, routes: Routes): void {
  const name = 'sidecar_request_duration_seconds'
  const help = 'Time from the end of a request head to the last byte of its response, in seconds.'
  const get = async () => ({
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    values: routes()
      .filter(({ route }) => route.kind === 'http')
      .flatMap(({ route, counters }) => histogramValues(name, { route: route.name }, counters.latencies)),
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

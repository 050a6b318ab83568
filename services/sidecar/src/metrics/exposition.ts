import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { RouteView } from '../sidecar/route-view.ts'

/** Renders the sidecar's own metrics (text 0.0.4 only: prom-client 15 spoils later scrapes after OpenMetrics). */
export interface Exposition {
  readonly contentType: string
  render(): Promise<string>
}

/** @param routes the routes as they are when scraped; they may change with the configuration. */
export function createExposition(routes: () => Iterable<RouteView>, build: BuildInfo): Exposition {
  const registry = new Registry()
  processMetrics(registry)
  buildGauge(registry, build)
  connectionMetrics(registry, routes)
  upstreamMetrics(registry, routes)
  return { contentType: registry.contentType, render: () => registry.metrics() }
}

/** prom-client's defaults, without three gauges whose names end like those of counters: promtool refuses them. */
function processMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)
}

function buildGauge(registry: Registry, { version, revision }: BuildInfo): void {
  new Gauge({
    name: 'sidecar_build_info',
    help: 'Always 1; what this sidecar was built from.',
    labelNames: ['version', 'revision'],
    registers: [registry],
  }).set({ version, revision }, 1)
}

type Samples = Iterable<readonly [labels: Record<string, string>, value: number]>

/** Prometheus metrics whose samples are read from `routes` at each scrape. */
function metric(
  registry: Registry,
  Type: typeof Counter | typeof Gauge,
  name: string,
  help: string,
  labelNames: string[],
  samples: () => Samples,
): void {
  new Type({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of samples()) this.inc(labels, value)
    },
  })
}

function connectionMetrics(registry: Registry, routes: () => Iterable<RouteView>): void {
  const perRoute = (value: (view: RouteView) => number) => () =>
    Array.from(routes(), (view) => [{ route: view.route.name }, value(view)] as const)
  metric(
    registry,
    Gauge,
    'sidecar_connections',
    'Client connections that are open.',
    ['route'],
    perRoute(({ counters }) => counters.connectionsOpen),
  )
  metric(
    registry,
    Counter,
    'sidecar_connections_total',
    'Client connections that were accepted.',
    ['route'],
    perRoute(({ counters }) => counters.connectionsTotal),
  )
  metric(
    registry,
    Counter,
    'sidecar_stream_sent_bytes_total',
    'Bytes sent to the upstream over stream connections that have ended.',
    ['route'],
    perRoute(({ counters }) => counters.bytesSent),
  )
  metric(
    registry,
    Counter,
    'sidecar_stream_received_bytes_total',
    'Bytes received from the upstream over stream connections that have ended.',
    ['route'],
    perRoute(({ counters }) => counters.bytesReceived),
  )
}

function upstreamMetrics(registry: Registry, routes: () => Iterable<RouteView>): void {
  metric(
    registry,
    Counter,
    'sidecar_upstream_errors_total',
    'Connections and requests that failed, by reason.',
    ['route', 'reason'],
    function* () {
      for (const { route, counters } of routes())
        for (const [reason, count] of counters.failures) yield [{ route: route.name, reason }, count]
    },
  )
  metric(
    registry,
    Gauge,
    'sidecar_upstream_up',
    'Whether the last connection attempt to the upstream succeeded.',
    ['route'],
    function* () {
      for (const { route, upstream } of routes()) yield [{ route: route.name }, upstream.state.up ? 1 : 0]
    },
  )
  metric(
    registry,
    Gauge,
    'sidecar_upstream_generation',
    'Sockets seen at the path of the upstream so far.',
    ['route'],
    function* () {
      for (const { route, upstream } of routes()) yield [{ route: route.name }, upstream.state.generation]
    },
  )
  metric(
    registry,
    Gauge,
    'sidecar_upstream_socket_info',
    'Always 1; the file that stands at the path of the upstream.',
    ['route', 'path', 'mode', 'uid', 'gid'],
    function* () {
      for (const { route, upstream } of routes()) {
        const { facts } = upstream.state
        if (facts === undefined || upstream.endpoint.kind !== 'unix') continue
        const { mode, uid, gid } = facts
        const labels = { route: route.name, path: upstream.endpoint.path, mode, uid: `${uid}`, gid: `${gid}` }
        yield [labels, 1]
      }
    },
  )
}

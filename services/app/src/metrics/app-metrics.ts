import type { Server } from 'node:net'
import type { BuildInfo } from '@uds-sidecar/shared/lifecycle/build-info'
import type { RequestHandler } from 'express'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Visits } from '../visits/visits.ts'

/** Methods with a label of their own. All others share one, so that a client cannot create series. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])

/** The app's metrics. Only this file imports prom-client, so that another library can replace it. */
export class AppMetrics {
  readonly #registry = new Registry()
  readonly takeovers: Counter
  readonly #requests: Counter
  readonly #duration: Histogram
  readonly #connections: Gauge

  constructor(build: BuildInfo, visits: Visits) {
    const registers = [this.#registry]
    collectProcessMetrics(this.#registry)
    const http = ['listener', 'method', 'route']
    this.#requests = new Counter({
      name: 'app_http_requests_total',
      help: 'HTTP responses sent.',
      labelNames: [...http, 'code'],
      registers,
    })
    this.#duration = new Histogram({
      name: 'app_http_request_duration_seconds',
      help: 'Time from the request head to the end of the response.',
      labelNames: http,
      registers,
    })
    this.#connections = new Gauge({
      name: 'app_connections',
      help: 'Open connections.',
      labelNames: ['listener'],
      registers,
    })
    this.takeovers = new Counter({
      name: 'app_socket_takeovers_total',
      help: 'Times another server took over a socket of this one.',
      labelNames: ['listener'],
      registers,
    })
    new Gauge({
      name: 'app_build_info',
      help: 'Version and revision of the build; always 1.',
      labelNames: ['version', 'revision'],
      registers,
    })
      .labels({ ...build })
      .set(1)
    registerRedisMetrics(registers, visits)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  exposition(): Promise<string> {
    return this.#registry.metrics()
  }

  /** Counts and times each request. */
  observe(listener: string): RequestHandler {
    return (request, response, next) => {
      const end = this.#duration.startTimer()
      response.once('close', () => {
        const method = METHODS.has(request.method) ? request.method : 'other'
        const labels = { listener, method, route: request.route?.path ?? 'none' }
        end(labels)
        this.#requests.inc({ ...labels, code: response.writableFinished ? response.statusCode : 'aborted' })
      })
      next()
    }
  }

  countConnections(listener: string, server: Server): void {
    const open = this.#connections.labels({ listener })
    this.takeovers.labels({ listener }).inc(0)
    open.set(0)
    server.on('connection', (socket) => {
      open.inc()
      socket.once('close', () => open.dec())
    })
  }
}

/** prom-client's defaults, without three gauges whose names end in `_total`: promtool refuses those. */
function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry })
  for (const what of ['handles', 'requests', 'resources'])
    registry.removeSingleMetric(`nodejs_active_${what}_total`)
}

/** Read from Redis at each scrape. Without Redis the last total stays, or is left out: a counter must not fall. */
function registerRedisMetrics(registers: Registry[], visits: Visits): void {
  new Gauge({
    name: 'app_redis_up',
    help: 'Whether Redis responds: 1 or 0.',
    registers,
    async collect() {
      this.set((await visits.isUp()) ? 1 : 0)
    },
  })
  new Counter({
    name: 'app_visits_total',
    help: 'Visits counted in Redis, by all instances ever.',
    registers,
    async collect() {
      const total = await visits.total().catch(() => visits.lastTotal)
      this.reset()
      if (total === undefined) this.remove()
      else this.inc(total)
    },
  })
}

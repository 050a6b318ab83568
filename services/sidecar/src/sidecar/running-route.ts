import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Route } from '../config/config.ts'
import { HttpHandler } from '../http/http-handler.ts'
import { RouteCounters } from '../metrics/route-counters.ts'
import { type ConnectionHandler, openPort, type Port } from '../port/port.ts'
import { StreamHandler } from '../stream/stream-handler.ts'
import type { Deadlines } from '../time/deadlines.ts'
import { Upstream } from '../upstream/upstream.ts'
import type { RouteView } from './route-view.ts'

/** What all routes of a sidecar share. */
export interface Surroundings {
  readonly deadlines: Deadlines
  readonly log: Logger
}

/** A route that takes connections from a port. */
export class RunningRoute implements RouteView {
  readonly route: Route
  readonly upstream: Upstream
  readonly counters: RouteCounters
  readonly port: Port
  readonly #handler: ConnectionHandler

  private constructor(
    route: Route,
    upstream: Upstream,
    counters: RouteCounters,
    handler: ConnectionHandler,
    port: Port,
  ) {
    this.route = route
    this.upstream = upstream
    this.counters = counters
    this.port = port
    this.#handler = handler
  }

  /** @throws Failure when the route's address cannot be listened on. */
  static async open(
    route: Route,
    surroundings: Surroundings,
    counters = new RouteCounters(),
  ): Promise<RunningRoute> {
    const { upstream, handler } = partsOf(route, surroundings, counters)
    try {
      const port = await openPort(route.listen, handler)
      upstream.probe()
      return new RunningRoute(route, upstream, counters, handler, port)
    } catch (error) {
      await upstream[Symbol.asyncDispose]()
      throw error
    }
  }

  /** On the port of another, whose new connections come here from now on; those that there are go on. */
  static on(
    port: Port,
    route: Route,
    surroundings: Surroundings,
    counters = new RouteCounters(),
  ): RunningRoute {
    const { upstream, handler } = partsOf(route, surroundings, counters)
    port.handler = handler
    upstream.probe()
    return new RunningRoute(route, upstream, counters, handler, port)
  }

  get listen(): Endpoint {
    return this.port.endpoint
  }

  /** Lets the connections that there are come to their end within `drainMs`. */
  async drain(drainMs: number): Promise<void> {
    await this.#handler.drain(drainMs)
    await this.upstream[Symbol.asyncDispose]()
  }

  /** Stops accepting, and drains. */
  async close(drainMs: number): Promise<void> {
    await Promise.all([this.port.close(), this.drain(drainMs)])
  }
}

function partsOf(route: Route, { deadlines, log }: Surroundings, counters: RouteCounters) {
  const upstream = new Upstream(route.upstream, route.timeoutsMs.connect, log.child({ route: route.name }))
  const parts = { upstream, counters, deadlines }
  const handler =
    route.kind === 'http' ? new HttpHandler({ route, ...parts }) : new StreamHandler({ route, ...parts })
  return { upstream, handler }
}

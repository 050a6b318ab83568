import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Route } from '../config/config.ts'
import type { Identities } from '../identity/identities.ts'
import { RouteCounters } from '../observe/route-counters.ts'
import type { RouteView } from '../observe/route-report.ts'
import { ConnectionLimits, type SharedRoom } from '../relay/connection-limits.ts'
import type { Deadlines } from '../relay/deadlines.ts'
import { HttpRelay } from '../relay/http-relay.ts'
import { HttpHandler } from '../relay/http-route.ts'
import { type ConnectionHandler, openPort, type Port } from '../relay/port.ts'
import { StreamHandler } from '../relay/stream-route.ts'
import type { Certificate } from '../tls/certificate.ts'
import { Upstream } from '../upstream/upstream.ts'
import type { InheritedSockets } from './inherited-sockets.ts'
import { descriptorsOf } from './plan-descriptors.ts'

/** The parts that all routes of a sidecar share. */
export interface Surroundings {
  readonly deadlines: Deadlines
  readonly log: Logger
  /** Counts the descriptors for the client connections of all routes. */
  readonly room: SharedRoom
  /** Listening sockets that systemd passed to this process. */
  readonly inherited: InheritedSockets
  /** Who the callers of all routes may be. */
  readonly identities: Identities
}

/** A route that serves the connections of a port. */
export class RunningRoute implements RouteView {
  readonly route: Route
  readonly upstream: Upstream
  readonly counters: RouteCounters
  readonly port: Port
  readonly limits: ConnectionLimits
  /** Of a route with TLS; otherwise null. */
  readonly tls: Certificate | null
  readonly #inner: HttpHandler | StreamHandler
  readonly #handler: ConnectionHandler
  #isReplaced = false

  private constructor(
    route: Route,
    counters: RouteCounters,
    { upstream, limits, inner, handler, tls }: Parts,
    port: Port,
  ) {
    this.route = route
    this.upstream = upstream
    this.counters = counters
    this.port = port
    this.limits = limits
    this.tls = tls
    this.#inner = inner
    this.#handler = handler
  }

  /**
   * Opens the port of the route, and starts to probe the upstream.
   * @param tls its certificate; null without TLS. The route disposes it.
   * @param counters of a former route with the same name; by default they start at 0.
   * @throws Failure when the port cannot be opened.
   */
  static async open(
    route: Route,
    surroundings: Surroundings,
    tls: Certificate | null,
    counters = new RouteCounters(),
  ): Promise<RunningRoute> {
    const parts = partsOf(route, surroundings, counters, tls)
    try {
      const log = surroundings.log.child({ route: route.name })
      const source = await surroundings.inherited.takeFor(route, log)
      const port = await openPort(route.listen, parts.handler, log, source)
      parts.upstream.probe()
      return new RunningRoute(route, counters, parts, port)
    } catch (error) {
      await parts.upstream[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Takes over an open port: new connections go to this route, existing ones stay with the former one. */
  static on(
    port: Port,
    route: Route,
    surroundings: Surroundings,
    tls: Certificate | null,
    counters = new RouteCounters(),
  ): RunningRoute {
    const parts = partsOf(route, surroundings, counters, tls)
    port.handler = parts.handler
    parts.upstream.probe()
    return new RunningRoute(route, counters, parts, port)
  }

  get listen(): Endpoint {
    return this.port.endpoint
  }

  /** Whether another server has taken over the socket of this route. */
  get isReplaced(): boolean {
    return this.#isReplaced
  }

  /** Another server has taken over the socket. @returns false when that was known */
  leave(): boolean {
    const isNews = !this.#isReplaced
    this.#isReplaced = true
    return isNews
  }

  /**
   * A reload gives its port to `next`, or closes it: then null. From now on the rules and clients of `next` decide about
   * its connections, so that a caller that is revoked is revoked on them too.
   */
  succeededBy(next: RunningRoute | null): void {
    this.#inner.succeededBy(next === null ? null : next.#inner)
  }

  /** Waits for the connections of this route, and resets those that are still open after `drainMs`. */
  async drain(drainMs: number): Promise<void> {
    await this.#handler.drain(drainMs)
    this.tls?.[Symbol.dispose]()
    await this.upstream[Symbol.asyncDispose]()
  }

  /** Stops accepting connections, and drains. */
  async close(drainMs: number): Promise<void> {
    await Promise.all([this.port.close(), this.drain(drainMs)])
  }
}

interface Parts {
  readonly upstream: Upstream
  readonly limits: ConnectionLimits
  readonly inner: HttpHandler | StreamHandler
  readonly handler: ConnectionHandler
  readonly tls: Certificate | null
}

function partsOf(
  route: Route,
  { deadlines, log, room, identities }: Surroundings,
  counters: RouteCounters,
  tls: Certificate | null,
): Parts {
  const routeLog = log.child({ route: route.name })
  counters.onNewUid = (uid) => routeLog.info({ uid }, 'first connection of this user')
  const upstream = new Upstream(route.upstream, route.timeoutsMs.connect, routeLog)
  const limits = new ConnectionLimits({
    ...route.limits,
    descriptors: descriptorsOf(route),
    room,
    onChange: (isFull) => logRoom(routeLog, isFull),
  })
  const inner =
    route.kind === 'http'
      ? new HttpHandler(new HttpRelay(route, upstream, { counters, deadlines, identities, room }), limits)
      : new StreamHandler({ route, upstream, counters, deadlines, limits, identities })
  const isHttp = route.kind === 'http'
  const handler = tls === null ? inner : tls.handlerFor({ inner, limits, deadlines, isHttp, counters })
  return { upstream, limits, inner, handler, tls }
}

function logRoom(log: Logger, isFull: boolean): void {
  const hint =
    'check which clients connect; raise limits.connections or the descriptor limit (ulimits: nofile)'
  if (isFull) log.warn({ code: 'overloaded', hint }, 'too many connections are open: new ones are refused')
  else log.info('new connections are accepted again')
}

import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Route } from '../config/config.ts'
import type { Resolver } from '../egress/resolver.ts'
import { RouteCounters } from '../observe/route-counters.ts'
import type { RouteView } from '../observe/route-report.ts'
import { ConnectionLimits, type SharedRoom } from '../relay/connection-limits.ts'
import type { Deadlines } from '../relay/deadlines.ts'
import { HttpRelay } from '../relay/http-relay.ts'
import { HttpHandler } from '../relay/http-route.ts'
import { toSocket } from '../relay/outgoing.ts'
import { type ConnectionHandler, openPort, type Port } from '../relay/port.ts'
import { StreamHandler } from '../relay/stream-route.ts'
import type { Certificate } from '../tls/certificate.ts'
import { Upstream } from '../upstream/upstream.ts'
import type { WayOut } from '../way-out/way-out.ts'
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
  /** Looks up the names of upstreams on TCP. */
  readonly resolver: Resolver
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
  /** Of a route whose upstream is on TCP; otherwise null. */
  readonly outgoing: WayOut | null
  readonly #handler: ConnectionHandler
  #isReplaced = false

  private constructor(
    route: Route,
    counters: RouteCounters,
    { upstream, limits, handler, tls, outgoing }: Parts,
    port: Port,
  ) {
    this.route = route
    this.upstream = upstream
    this.counters = counters
    this.port = port
    this.limits = limits
    this.tls = tls
    this.outgoing = outgoing
    this.#handler = handler
  }

  /**
   * Opens the port of the route, and starts to probe the upstream.
   * @param files its certificate, null without TLS, and its way out, null to a socket. The route disposes them.
   * @param counters of a former route with the same name; by default they start at 0.
   * @throws Failure when the port cannot be opened.
   */
  static async open(
    route: Route,
    surroundings: Surroundings,
    files: RouteFiles,
    counters = new RouteCounters(),
  ): Promise<RunningRoute> {
    const parts = partsOf(route, surroundings, counters, files)
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
    files: RouteFiles,
    counters = new RouteCounters(),
  ): RunningRoute {
    const parts = partsOf(route, surroundings, counters, files)
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

  /** Waits for the connections of this route, and resets those that are still open after `drainMs`. */
  async drain(drainMs: number): Promise<void> {
    await this.#handler.drain(drainMs)
    this.tls?.[Symbol.dispose]()
    this.outgoing?.[Symbol.dispose]()
    await this.upstream[Symbol.asyncDispose]()
  }

  /** Takes over files that have changed. */
  async look(): Promise<void> {
    await Promise.all([this.tls?.look(), this.outgoing?.look()])
  }

  /** Stops accepting connections, and drains. */
  async close(drainMs: number): Promise<void> {
    await Promise.all([this.port.close(), this.drain(drainMs)])
  }
}

/** What a route has read from its files. */
export interface RouteFiles {
  /** Null without TLS on its listener. */
  readonly tls: Certificate | null
  /** Null when its upstream is a socket. */
  readonly outgoing: WayOut | null
}

interface Parts extends RouteFiles {
  readonly upstream: Upstream
  readonly limits: ConnectionLimits
  readonly handler: ConnectionHandler
}

function partsOf(
  route: Route,
  { deadlines, log, room }: Surroundings,
  counters: RouteCounters,
  { tls, outgoing }: RouteFiles,
): Parts {
  const routeLog = log.child({ route: route.name })
  counters.onNewUid = (uid) => routeLog.info({ uid }, 'first connection of this user')
  const upstream = new Upstream(
    route.upstream,
    route.timeoutsMs.connect,
    routeLog,
    () => outgoing?.dialOptions() ?? {},
  )
  const limits = new ConnectionLimits({
    ...route.limits,
    descriptors: descriptorsOf(route),
    room,
    onChange: (isFull) => logRoom(routeLog, isFull),
  })
  const inner =
    route.kind === 'http'
      ? new HttpHandler(new HttpRelay(route, upstream, counters, deadlines, outgoing ?? toSocket()), limits)
      : new StreamHandler({ route, upstream, counters, deadlines, limits, outgoing })
  const isHttp = route.kind === 'http'
  const handler = tls === null ? inner : tls.handlerFor({ inner, limits, deadlines, isHttp, counters })
  return { upstream, limits, handler, tls, outgoing }
}

function logRoom(log: Logger, isFull: boolean): void {
  const hint =
    'check which clients connect; raise limits.connections or the descriptor limit (ulimits: nofile)'
  if (isFull) log.warn({ code: 'overloaded', hint }, 'too many connections are open: new ones are refused')
  else log.info('new connections are accepted again')
}

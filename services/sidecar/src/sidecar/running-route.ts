import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Route } from '../config/config.ts'
import { EgressPolicy, type NameResolver } from '../egress/egress-policy.ts'
import { probeFields, SOCKET } from '../http1/destination.ts'
import type { Identities } from '../identity/identities.ts'
import { type AccessLog, RouteLog } from '../observe/access-log.ts'
import { RouteCounters } from '../observe/route-counters.ts'
import type { RouteView } from '../observe/route-report.ts'
import { ConnectRelay } from '../relay/connect-relay.ts'
import { ConnectHandler } from '../relay/connect-route.ts'
import { ConnectionLimits, type SharedRoom } from '../relay/connection-limits.ts'
import type { Deadlines } from '../relay/deadlines.ts'
import { HttpRelay, type Tracing } from '../relay/http-relay.ts'
import { HttpHandler } from '../relay/http-route.ts'
import { toSocket } from '../relay/outgoing.ts'
import { type ConnectionHandler, openPort, type Port } from '../relay/port.ts'
import { ProxyHeaderHandler, type ProxyHeaderParts } from '../relay/proxy-header-handler.ts'
import { StreamHandler } from '../relay/stream-route.ts'
import type { Certificate } from '../tls/certificate.ts'
import type { ReadySettings } from '../upstream/ready-probe.ts'
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
  /** Who the callers of all routes may be. */
  readonly identities: Identities
  /** Looks up the hosts of the way out. */
  readonly resolver: NameResolver
  readonly accessLog: AccessLog
  readonly tracing: Tracing
}

/** A route that serves the connections of a port. */
export class RunningRoute implements RouteView {
  readonly route: Route
  readonly upstream: Upstream | null
  readonly counters: RouteCounters
  readonly port: Port
  readonly limits: ConnectionLimits
  /** Of a route with TLS; otherwise null. */
  readonly tls: Certificate | null
  readonly #inner: RouteHandler
  /** Of a route whose upstream is on TCP; otherwise null. */
  readonly outgoing: WayOut | null
  readonly #handler: ConnectionHandler
  #isReplaced = false

  private constructor(
    route: Route,
    counters: RouteCounters,
    { upstream, limits, inner, handler, tls, outgoing }: Parts,
    port: Port,
  ) {
    this.route = route
    this.upstream = upstream
    this.counters = counters
    this.port = port
    this.limits = limits
    this.tls = tls
    this.#inner = inner
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
      parts.upstream?.probe()
      return new RunningRoute(route, counters, parts, port)
    } catch (error) {
      await parts.upstream?.[Symbol.asyncDispose]()
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
    parts.upstream?.probe()
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
    this.outgoing?.[Symbol.dispose]()
    await this.upstream?.[Symbol.asyncDispose]()
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
  readonly upstream: Upstream | null
  readonly limits: ConnectionLimits
  readonly inner: RouteHandler
  readonly handler: ConnectionHandler
}

function partsOf(
  route: Route,
  { deadlines, log, room, identities, resolver, ...surroundings }: Surroundings,
  counters: RouteCounters,
  { tls, outgoing }: RouteFiles,
): Parts {
  const routeLog = log.child({ route: route.name })
  counters.onNewUid = (uid) => routeLog.info({ uid }, 'first connection of this user')
  const limits = new ConnectionLimits({
    ...route.limits,
    descriptors: descriptorsOf(route),
    room,
    onChange: (isFull) => logRoom(routeLog, isFull),
  })
  const isHttp = route.kind !== 'stream'
  const accessLog = new RouteLog(surroundings.accessLog, route.name)
  const { upstream, inner } = serving(route, {
    counters,
    deadlines,
    limits,
    identities,
    outgoing,
    room,
    resolver,
    log: routeLog,
    accessLog,
    tracing: surroundings.tracing,
  })
  const isProxy = inner instanceof HttpHandler ? (address: string) => inner.isProxy(address) : undefined
  const next =
    tls === null ? inner : tls.handlerFor({ inner, limits, deadlines, isHttp, counters, accessLog, isProxy })
  const handler = withProxyHeader(route, { next, limits, deadlines, counters, log: routeLog })
  return { upstream, limits, inner, handler, tls, outgoing }
}

/** With `proxyProtocol` a header comes before everything else. */
function withProxyHeader(
  route: Route,
  parts: Omit<ProxyHeaderParts, 'listen' | 'trustedProxies' | 'timeoutMs'>,
): ConnectionHandler {
  const { listen, proxyProtocol, trustedProxies = [] } = route
  if (proxyProtocol !== 'v2') return parts.next
  const timeoutMs = route.kind === 'connect' ? route.timeoutsMs.head : route.timeoutsMs.proxyHeader
  return new ProxyHeaderHandler({ ...parts, listen, trustedProxies, timeoutMs })
}

type RouteHandler = HttpHandler | StreamHandler | ConnectHandler

interface Serving {
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly limits: ConnectionLimits
  readonly identities: Identities
  readonly outgoing: WayOut | null
  readonly room: SharedRoom
  readonly resolver: NameResolver
  readonly log: Logger
  readonly accessLog: RouteLog
  readonly tracing: Tracing
}

/** Who takes the connections of a route, by its kind, and the upstream where it has one. */
function serving(
  route: Route,
  { outgoing, resolver, log, ...shared }: Serving,
): { readonly upstream: Upstream | null; readonly inner: RouteHandler } {
  if (route.kind === 'connect') {
    const policy = new EgressPolicy({ ...route, resolver })
    return {
      upstream: null,
      inner: new ConnectHandler(new ConnectRelay({ ...shared, route, policy, log }), shared.limits),
    }
  }
  const upstream = new Upstream(
    route.upstream,
    route.timeoutsMs.connect,
    log,
    () => outgoing?.dialOptions() ?? {},
    readyOf(route, outgoing),
  )
  upstream.onChanged = (change, detail) => shared.counters.recent.changed(change, detail)
  if (route.kind === 'stream')
    return { upstream, inner: new StreamHandler({ ...shared, route, upstream, outgoing }) }
  const relay = new HttpRelay(route, upstream, { ...shared, outgoing: outgoing ?? toSocket() })
  return { upstream, inner: new HttpHandler(relay, shared.limits) }
}

/** The request of the probe has what requests of the route have: the Host, and the credentials as they are now. */
function readyOf(route: Route, outgoing: WayOut | null): ReadySettings | null {
  if (route.kind !== 'http' || route.ready === undefined) return null
  const { get, within, every } = route.ready
  return { get, withinMs: within, everyMs: every, fields: () => probeFields(outgoing?.destination ?? SOCKET) }
}

function logRoom(log: Logger, isFull: boolean): void {
  const hint =
    'check which clients connect; raise limits.connections or the descriptor limit (ulimits: nofile)'
  if (isFull) log.warn({ code: 'overloaded', hint }, 'too many connections are open: new ones are refused')
  else log.info('new connections are accepted again')
}

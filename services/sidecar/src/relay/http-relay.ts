import type { HttpRoute } from '../config/config.ts'
import type { RequestHeadRules } from '../http1/parse-request-head.ts'
import { DateLine } from '../http1/rewrite-response.ts'
import type { Identities } from '../identity/identities.ts'
import type { RouteLog } from '../observe/access-log.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import { ForwardedOrigin, forwardedFieldOf } from '../proxies/forwarded-origin.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { ResponseBuffer, type SharedRoom } from './connection-limits.ts'
import type { Deadlines } from './deadlines.ts'
import { type Outgoing, toSocket } from './outgoing.ts'
import { SharedBuffers } from './read-buffer.ts'
import { RequestJudge } from './request-judge.ts'
import { RequestWriter, SpareHeads } from './request-sender.ts'
import { Tunnels } from './tunnels.ts'
import { UpstreamPool } from './upstream-pool.ts'

export interface HttpRelayParts {
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly identities: Identities
  /** Default: for a socket. */
  readonly outgoing?: Outgoing
  /** Counts the descriptors of tunnels. */
  readonly room: SharedRoom
  readonly accessLog: RouteLog
  readonly tracing: Tracing
}

/** Whether a trace begins where a request has none; a reload may change it. */
export interface Tracing {
  starts: boolean
}

/** What the client connections of one HTTP route share. */
export class HttpRelay {
  readonly route: HttpRoute
  readonly judge: RequestJudge
  readonly pool: UpstreamPool
  readonly headRules: RequestHeadRules
  readonly heads = new SpareHeads()
  readonly writer: RequestWriter
  readonly date = new DateLine()
  readonly buffers = new SharedBuffers()
  readonly responseBuffer: ResponseBuffer
  readonly tunnels: Tunnels
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly identities: Identities
  readonly accessLog: RouteLog
  readonly tracing: Tracing
  /** From now on each response is the last of its connection. */
  isDraining = false
  readonly #forwarded: ForwardedOrigin | null
  #next: HttpRelay | null = null

  constructor(
    route: HttpRoute,
    upstream: Upstream,
    { counters, deadlines, identities, room, accessLog, tracing, outgoing = toSocket() }: HttpRelayParts,
  ) {
    const { destination } = outgoing
    this.route = route
    this.judge = new RequestJudge(route, identities, counters)
    this.pool = new UpstreamPool(route, upstream, deadlines, outgoing)
    upstream.onReplaced = () => this.pool.closeIdle()
    outgoing.onReplaced = () => this.pool.retire()
    this.writer = new RequestWriter(destination)
    this.headRules = {
      maxFields: route.limits.fields,
      passFields: new Set(route.passFields),
      takesHttps: route.tls !== undefined,
      replaced: destination.replaced,
      mayUpgrade: route.allow.some(({ upgrade }) => upgrade !== undefined),
    }
    this.responseBuffer = new ResponseBuffer(route.limits.responseBufferBytes)
    this.tunnels = new Tunnels(route.limits.tunnels, room, counters, identities)
    this.counters = counters
    this.deadlines = deadlines
    this.identities = identities
    this.accessLog = accessLog
    this.tracing = tracing
    this.#forwarded = forwardedOriginOf(route)
  }

  /** What trusted proxies say about their clients, by the current configuration; null: nobody is believed. */
  get forwarded(): ForwardedOrigin | null {
    return this.#next === null ? this.#forwarded : this.#next.forwarded
  }

  /** A reload gives the port to `next`: its rules and its trusted proxies count from now on. */
  succeededBy(next: HttpRelay | null): void {
    this.judge.succeededBy(next === null ? null : next.judge)
    this.#next = next
  }
}

function forwardedOriginOf(route: HttpRoute): ForwardedOrigin | null {
  const field = forwardedFieldOf(route)
  return field === undefined ? null : new ForwardedOrigin(field, route.trustedProxies ?? [])
}

import type { HttpRoute } from '../config/config.ts'
import type { RequestHeadRules } from '../http1/parse-request-head.ts'
import { DateLine } from '../http1/rewrite-response.ts'
import type { Identities } from '../identity/identities.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { ResponseBuffer, type SharedRoom } from './connection-limits.ts'
import type { Deadlines } from './deadlines.ts'
import { RequestJudge } from './request-judge.ts'
import { RequestWriter, SpareHeads } from './request-sender.ts'
import { Tunnels } from './tunnels.ts'
import { UpstreamPool } from './upstream-pool.ts'

export interface HttpRelayParts {
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly identities: Identities
  /** Counts the descriptors of tunnels. */
  readonly room: SharedRoom
}

/** What the client connections of one HTTP route share. */
export class HttpRelay {
  readonly route: HttpRoute
  readonly judge: RequestJudge
  readonly pool: UpstreamPool
  readonly headRules: RequestHeadRules
  readonly heads = new SpareHeads()
  readonly writer = new RequestWriter()
  readonly date = new DateLine()
  readonly responseBuffer: ResponseBuffer
  readonly tunnels: Tunnels
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  /** From now on each response is the last of its connection. */
  isDraining = false

  constructor(
    route: HttpRoute,
    upstream: Upstream,
    { counters, deadlines, identities, room }: HttpRelayParts,
  ) {
    this.route = route
    this.judge = new RequestJudge(route, identities, counters)
    this.pool = new UpstreamPool(route, upstream, deadlines)
    upstream.onReplaced = () => this.pool.closeIdle()
    this.headRules = {
      maxFields: route.limits.fields,
      passFields: new Set(route.passFields),
      mayUpgrade: route.allow.some(({ upgrade }) => upgrade !== undefined),
    }
    this.responseBuffer = new ResponseBuffer(route.limits.responseBufferBytes)
    this.tunnels = new Tunnels(route.limits.tunnels, room, counters)
    this.counters = counters
    this.deadlines = deadlines
  }
}

import type { HttpRoute } from '../config/config.ts'
import type { RequestHeadRules } from '../http1/parse-request-head.ts'
import type { DateLine } from '../http1/rewrite-response.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { AllowList } from '../policy/allow-list.ts'
import type { ResponseBuffer } from './connection-limits.ts'
import type { Deadlines } from './deadlines.ts'
import type { RequestWriter, SpareHeads } from './request-sender.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** What the connections of one route share. */
export interface HttpContext {
  readonly route: HttpRoute
  readonly allow: AllowList
  readonly pool: UpstreamPool
  readonly headRules: RequestHeadRules
  readonly heads: SpareHeads
  readonly writer: RequestWriter
  readonly date: DateLine
  readonly responseBuffer: ResponseBuffer
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  /** Every answer from now on is the last of its connection. */
  readonly draining: boolean
}

import type { HttpRoute } from '../config/config.ts'
import type { RouteCounters } from '../metrics/route-counters.ts'
import type { Deadlines } from '../time/deadlines.ts'
import type { AllowList } from './allow/allow-list.ts'
import type { RequestHeadRules } from './head/parse-request-head.ts'
import type { ResponseBuffer } from './response-buffer.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** What the connections of one route share. */
export interface HttpContext {
  readonly route: HttpRoute
  readonly allow: AllowList
  readonly pool: UpstreamPool
  readonly headRules: RequestHeadRules
  readonly responseBuffer: ResponseBuffer
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  /** Every answer from now on is the last of its connection. */
  readonly draining: boolean
}

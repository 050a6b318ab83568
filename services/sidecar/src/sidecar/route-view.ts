import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Route } from '../config/config.ts'
import type { RouteCounters } from '../metrics/route-counters.ts'
import type { ConnectionLimits } from '../port/connection-limits.ts'
import type { Upstream } from '../upstream/upstream.ts'

/** What the operations port may see of a route. */
export interface RouteView {
  readonly route: Route
  /** Where it listens, with the real port where 0 was asked for. */
  readonly listen: Endpoint
  readonly upstream: Upstream
  readonly limits: ConnectionLimits
  readonly counters: RouteCounters
}

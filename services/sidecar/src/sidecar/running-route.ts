import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { Route } from '../config/config.ts'
import { HttpHandler } from '../http/http-handler.ts'
import { RouteCounters } from '../metrics/route-counters.ts'
import { openPort, type Port } from '../port/port.ts'
import { StreamHandler } from '../stream/stream-handler.ts'
import type { Deadlines } from '../time/deadlines.ts'
import { Upstream } from '../upstream/upstream.ts'
import type { RouteView } from './route-view.ts'

/** A route that accepts connections. */
export interface RunningRoute extends RouteView {
  readonly port: Port
}

/** @throws Failure when the route's address cannot be listened on. */
export async function startRoute(route: Route, deadlines: Deadlines, log: Logger): Promise<RunningRoute> {
  const upstream = new Upstream(route.upstream, route.timeoutsMs.connect, log.child({ route: route.name }))
  const counters = new RouteCounters()
  const parts = { upstream, counters, deadlines }
  const handler =
    route.kind === 'http' ? new HttpHandler({ route, ...parts }) : new StreamHandler({ route, ...parts })
  const port = await openPort(route.listen, handler)
  return { route, listen: port.endpoint, upstream, counters, port }
}

import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { RouteView } from '../sidecar/route-view.ts'

/** One route as `/routes` shows it. */
export function routeReport({ route, listen, upstream, counters }: RouteView) {
  const { up, changedAt, facts, generation, lastFailure, lastFailureAt } = upstream.state
  return {
    name: route.name,
    kind: route.kind,
    listen: formatEndpoint(listen),
    upstream: formatEndpoint(route.upstream),
    connections: counters.connectionsOpen,
    state: up === null ? 'unknown' : up ? 'up' : 'down',
    since: changedAt.toISOString(),
    generation,
    socket:
      facts === undefined ? null : { kind: facts.kind, mode: facts.mode, uid: facts.uid, gid: facts.gid },
    lastError:
      lastFailure === null ? null : { at: lastFailureAt?.toISOString(), ...errorReport(lastFailure) },
  }
}

export type RouteReport = ReturnType<typeof routeReport>

function errorReport({ code, errno, message, hint }: Failure) {
  return { code, errno: errno ?? null, detail: message, hint }
}

import { isDeepStrictEqual } from 'node:util'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import type { Route } from '../config/config.ts'
import type { RunningRoute } from './running-route.ts'

/** What a new configuration means for each route, by the address that it listens on. */
export interface ReloadPlan {
  readonly kept: readonly RunningRoute[]
  readonly changed: readonly { readonly from: RunningRoute; readonly to: Route }[]
  readonly added: readonly Route[]
  readonly removed: readonly RunningRoute[]
}

export function planReload(running: readonly RunningRoute[], routes: readonly Route[]): ReloadPlan {
  const byAddress = new Map(running.map((each) => [formatEndpoint(each.route.listen), each]))
  const plan = {
    kept: [] as RunningRoute[],
    changed: [] as ReloadPlan['changed'][number][],
    added: [] as Route[],
  }
  for (const route of routes) {
    const address = formatEndpoint(route.listen)
    const before = byAddress.get(address)
    byAddress.delete(address)
    if (before === undefined) plan.added.push(route)
    else if (isDeepStrictEqual(before.route, route)) plan.kept.push(before)
    else plan.changed.push({ from: before, to: route })
  }
  return { ...plan, removed: [...byAddress.values()] }
}

import { isDeepStrictEqual } from 'node:util'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Config, Route } from '../config/config.ts'
import type { RunningOperations } from './running-operations.ts'
import type { RunningRoute } from './running-route.ts'

/** What listens on a port: a route, or the operations port. */
export type Holder = RunningRoute | RunningOperations

/** What a new configuration means for each port and for who holds it. */
export interface ReloadPlan {
  /** Routes that go on as they are. */
  readonly kept: readonly RunningRoute[]
  /** Routes of the new configuration that begin, on the port that another one holds so far, or on one of their own. */
  readonly begun: readonly { readonly route: Route; readonly port: Holder | null }[]
  /** The operations port goes on, ends, or begins: on the port that another one holds so far, or on one of its own. */
  readonly ops: 'same' | 'off' | { readonly port: Holder | null }
  /** Who ends; the ports of these go over to others. */
  readonly handedOver: readonly Holder[]
  /** Who ends together with its port. */
  readonly closed: readonly Holder[]
}

/** Ports go by the address that was asked for, so that two that change places need no address that is still in use. */
export function planReload(
  running: readonly RunningRoute[],
  runningOps: RunningOperations | null,
  { routes, ops }: Config,
): ReloadPlan {
  const isOpsSame = runningOps !== null && ops !== null && addressOf(runningOps) === formatEndpoint(ops)
  const free = new Set<Holder>([...running, ...(runningOps === null || isOpsSame ? [] : [runningOps])])
  const handedOver: Holder[] = []
  const kept: RunningRoute[] = []
  const begun: { route: Route; port: Holder | null }[] = []
  for (const route of routes) {
    const holder = takeHolder(free, formatEndpoint(route.listen), route.name)
    if (isRoute(holder) && isDeepStrictEqual(holder.route, route)) kept.push(holder)
    else {
      begun.push({ route, port: holder })
      if (holder !== null) handedOver.push(holder)
    }
  }
  if (isOpsSame || ops === null)
    return { kept, begun, handedOver, closed: [...free], ops: isOpsSame ? 'same' : 'off' }
  const port = takeHolder(free, formatEndpoint(ops), null)
  if (port !== null) handedOver.push(port)
  return { kept, begun, handedOver, closed: [...free], ops: { port } }
}

/** The holder of `address`, the one with this name first: several may have asked for any port. */
function takeHolder(free: Set<Holder>, address: string, name: string | null): Holder | null {
  const there = [...free].filter((holder) => addressOf(holder) === address)
  const holder = there.find((each) => isRoute(each) && each.route.name === name) ?? there[0] ?? null
  if (holder !== null) free.delete(holder)
  return holder
}

function addressOf(holder: Holder): string {
  return formatEndpoint(isRoute(holder) ? holder.route.listen : holder.asked)
}

function isRoute(holder: Holder | null): holder is RunningRoute {
  return holder !== null && 'route' in holder
}

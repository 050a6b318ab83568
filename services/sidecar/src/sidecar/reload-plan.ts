import { isDeepStrictEqual } from 'node:util'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Config, Route } from '../config/config.ts'
import type { RunningOperations } from './running-operations.ts'
import type { RunningRoute } from './running-route.ts'

/** Who serves a port: a route, or the operations port. */
export type Holder = RunningRoute | RunningOperations

/** What a new configuration changes for each open port and its holder. */
export interface ReloadPlan {
  /** Routes that continue unchanged. */
  readonly kept: readonly RunningRoute[]
  /** Routes that start: on the open port of the holder given, or, with null, on a new port. */
  readonly begun: readonly { readonly route: Route; readonly port: Holder | null }[]
  /** Whether the operations port continues, ends, or starts: on the open port of the holder given, or on a new one. */
  readonly ops: 'same' | 'off' | { readonly port: Holder | null }
  /** Holders that end, and whose port another one takes over. */
  readonly handedOver: readonly Holder[]
  /** Holders that end, and whose port is closed. */
  readonly closed: readonly Holder[]
}

/**
 * Compares the running routes with a new configuration. Open ports are matched by the address in the configuration and
 * handed over, so two routes can exchange their ports although both addresses are in use. Changes nothing itself.
 */
export function planReload(
  running: readonly RunningRoute[],
  runningOps: RunningOperations | null,
  { routes, ops, opsTls, opsAccess }: Config,
): ReloadPlan {
  const isOpsSame =
    runningOps !== null &&
    ops !== null &&
    addressOf(runningOps) === formatEndpoint(ops) &&
    isDeepStrictEqual(runningOps.tls?.settings, opsTls) &&
    isDeepStrictEqual(runningOps.access, opsAccess)
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

/** The rules of listeners that end and have no successor count no more, on their connections neither. */
export function revoke({ begun, handedOver, closed }: ReloadPlan): void {
  const succeeded = new Set(begun.map(({ port }) => port))
  for (const holder of [...handedOver, ...closed])
    if (!isRoute(holder)) holder.revoke()
    else if (!succeeded.has(holder)) holder.succeededBy(null)
}

/** Takes the holder of `address`, preferably the one with this name: several may listen on port 0 of one host. */
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

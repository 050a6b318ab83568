import { OPERATIONS_CONNECTIONS } from '../config/bounds.ts'
import type { Config, Route } from '../config/config.ts'
import { MAX_REFUSED } from '../relay/connection-limits.ts'

/** Node's own (about 30), files while they are read, connections that are being refused, and some in reserve. */
const OWN = 64 + MAX_REFUSED
/** The operations port with all its connections. */
const OPERATIONS = 1 + OPERATIONS_CONNECTIONS
/** The listening socket of a route, and a probe of its upstream. */
const ROUTE = 2
/** A route whose connections are not set gets at least this many. */
const FEWEST = 16

/** What descriptors a configuration may need, and what each route may have of them. */
export interface DescriptorPlan {
  /** Of the process; null: not known, Infinity: none. */
  readonly limit: number | null
  /** With every connection that the routes may have. */
  readonly needed: number
  /** For the client connections of all routes together. */
  readonly room: number
  /** `limits.connections` by the name of the route: as set, else what there is room for. */
  readonly connections: ReadonlyMap<string, number>
  /** Names of the routes that have fewer connections than by default. */
  readonly reduced: readonly string[]
}

/** Connections that are set stay as they are set; the others share what is left, each its default at most. */
export function planDescriptors({ ops, routes }: Config, limit: number | null): DescriptorPlan {
  const fixed = OWN + (ops === null ? 0 : OPERATIONS) + sum(routes.map(fixedOf))
  const room = limit === null ? Number.POSITIVE_INFINITY : Math.max(limit - fixed, FEWEST)
  const open = routes.filter(({ isConnectionsSet }) => !isConnectionsSet)
  const set = routes.filter(({ isConnectionsSet }) => isConnectionsSet)
  const left = room - sum(set.map((route) => route.limits.connections * descriptorsOf(route)))
  const connections = new Map(set.map(({ name, limits }) => [name, limits.connections]))
  for (const route of open) {
    const share = Math.floor(left / open.length / descriptorsOf(route))
    connections.set(route.name, Math.min(route.limits.connections, Math.max(share, FEWEST)))
  }
  const most = sum(routes.map((route) => (connections.get(route.name) ?? 0) * descriptorsOf(route)))
  const reduced = open.filter(({ name, limits }) => (connections.get(name) ?? 0) < limits.connections)
  return { limit, needed: fixed + most, room, connections, reduced: reduced.map(({ name }) => name) }
}

/** Of one client connection: a stream has one of its own to the upstream, HTTP shares those of a pool. */
export function descriptorsOf({ kind }: Route): number {
  return kind === 'stream' ? 2 : 1
}

function fixedOf(route: Route): number {
  return ROUTE + (route.kind === 'http' ? route.limits.upstreamConnections : 0)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { OPERATIONS_CONNECTIONS, OPERATIONS_HANDSHAKES } from '../config/bounds.ts'
import type { Config, Route } from '../config/config.ts'
import { MAX_REFUSED } from '../relay/connection-limits.ts'

/** For Node itself (about 30), files that are being read, connections that are being refused, and a reserve. */
const OWN = 64 + MAX_REFUSED
/** For the listening socket of the operations port and all its connections. */
const OPERATIONS = 1 + OPERATIONS_CONNECTIONS
/** For the listening socket of a route and one probe of its upstream. */
const ROUTE = 2
/** The fewest connections that a route gets when its configuration does not set `limits.connections`. */
const FEWEST = 16

/** How many file descriptors a configuration may need, and how they are divided among the routes. */
export interface DescriptorPlan {
  /** RLIMIT_NOFILE of the process (getrlimit(2)); null when it is unknown, Infinity when there is none. */
  readonly limit: number | null
  /** Descriptors that the process needs when every route has all the connections that it may have. */
  readonly needed: number
  /** Descriptors for the client connections of all routes together. */
  readonly room: number
  /** The most client connections of each route, by its name. */
  readonly connections: ReadonlyMap<string, number>
  /** Names of the routes that get fewer connections than the default. */
  readonly reduced: readonly string[]
}

/**
 * Divides the descriptors. A route that sets `limits.connections` gets that number, even if it does not fit. The other
 * routes share the rest equally: each gets at most the default and at least 16 connections.
 * @param limit of descriptors of the process; null when it is unknown: then nothing is reduced.
 */
export function planDescriptors({ ops, opsTls, routes }: Config, limit: number | null): DescriptorPlan {
  const handshakes = opsTls === undefined ? 0 : OPERATIONS_HANDSHAKES
  const fixed = OWN + (ops === null ? 0 : OPERATIONS + handshakes) + sum(routes.map(fixedOf))
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

/** Descriptors per client connection: streams and tunnels open an upstream connection of their own, HTTP takes one from a pool. */
export function descriptorsOf({ kind }: Route): number {
  return kind === 'http' ? 1 : 2
}

const REDUCED =
  'some routes get fewer connections than the default, because the descriptor limit allows no more'
const TOO_FEW =
  'the configured connections need more descriptors than the process may open: some connections will be refused'
const TOO_FEW_HINT =
  'raise the descriptor limit (ulimits: nofile in Compose), or lower limits.connections and limits.upstreamConnections'

/** Says which routes get fewer connections than the default, and when the limit is too low. */
export function logPlan({ limit, needed, connections, reduced }: DescriptorPlan, log: Logger): void {
  const descriptors = { limit, needed }
  if (reduced.length > 0) log.info({ descriptors, connections: Object.fromEntries(connections) }, REDUCED)
  if (limit !== null && needed > limit)
    log.warn({ code: 'overloaded', descriptors, hint: TOO_FEW_HINT }, TOO_FEW)
}

function fixedOf(route: Route): number {
  return ROUTE + (route.kind === 'http' ? route.limits.upstreamConnections : 0)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

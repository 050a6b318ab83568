import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import { formatDuration } from '../config/bound-text.ts'
import type { Route } from '../config/config.ts'
import { formatConnectRule } from '../egress/host-name.ts'
import type { CredentialStatus } from '../identity/credentials.ts'
import { formatRule } from '../policy/rule.ts'
import { forwardedFieldOf } from '../proxies/forwarded-origin.ts'
import type { ConnectionLimits } from '../relay/connection-limits.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { stateName, type UpstreamState, unknownState } from '../upstream/upstream-state.ts'
import { clientReports } from './client-report.ts'
import { credentialsReport, type OutgoingStatus, upstreamTlsReport } from './outgoing-status.ts'
import type { RouteCounters } from './route-counters.ts'
import { type TlsStatus, tlsReport } from './tls-status.ts'

/** A running route, as far as the operations port reads it. */
export interface RouteView {
  readonly route: Route
  /** Where it listens; with the actual port when the configuration says 0. */
  readonly listen: Endpoint
  /** Null on a route of kind connect, which dials many hosts. */
  readonly upstream: Upstream | null
  readonly limits: ConnectionLimits
  readonly counters: RouteCounters
  /** Whether another server has taken over its socket: it accepts no more. */
  readonly isReplaced: boolean
  /** Null without TLS. */
  readonly tls: TlsStatus | null
  /** Null when the upstream is a socket. */
  readonly outgoing: OutgoingStatus | null
}

/** One route as `/routes` shows it, in JSON. */
export function routeReport(view: RouteView, clientFiles: readonly CredentialStatus[]) {
  const { route, listen, upstream, counters, limits, isReplaced, tls, outgoing } = view
  const state = upstream === null ? SERVES : upstream.state
  return {
    name: route.name,
    kind: route.kind,
    listen: formatEndpoint(listen),
    replaced: isReplaced,
    tls: tls && tlsReport(tls),
    upstream: upstream && formatEndpoint(upstream.endpoint),
    upstreamTls: outgoing?.upstreamTls ? upstreamTlsReport(outgoing.upstreamTls) : null,
    credentials: outgoing?.credentials ? credentialsReport(outgoing.credentials) : null,
    hosts: route.kind === 'http' ? (route.hosts ?? null) : null,
    for: route.kind === 'stream' ? (route.for ?? null) : null,
    clients: clientReports(route.clients, clientFiles),
    allow: allowReport(route),
    ready: readyReport(route),
    optional: route.optional,
    encodedSlash: route.kind === 'http' ? route.encodedSlash : null,
    trustedProxies: route.trustedProxies ?? null,
    proxyProtocol: route.proxyProtocol ?? 'off',
    forwardedField: route.kind === 'http' ? (forwardedFieldOf(route) ?? null) : null,
    sni: route.kind === 'connect' ? route.sni : null,
    allowAddresses: route.allowAddresses ?? null,
    connections: counters.connectionsOpen,
    maxConnections: limits.max,
    connectionsByUid: listen.kind === 'tcp' ? null : Object.fromEntries(counters.connectionsByUid),
    state: stateName(state),
    since: state.changedAt.toISOString(),
    generation: state.generation,
    socket: socketReport(state),
    lastError: errorReport(state),
  }
}

/** Of a route without an upstream: it is up as long as it listens. */
const SERVES: UpstreamState = { ...unknownState(), up: true }

function allowReport(route: Route): string[] | null {
  if (route.kind === 'connect') return route.allow.map(formatConnectRule)
  return route.kind === 'http' ? route.allow.map(formatRule) : null
}

function readyReport(route: Route) {
  if (route.kind !== 'http' || route.ready === undefined) return null
  const { get, within, every } = route.ready
  return { get, within: formatDuration(within), every: formatDuration(every) }
}

export type RouteReport = ReturnType<typeof routeReport>

function socketReport({ facts }: UpstreamState) {
  return facts && { kind: facts.kind, mode: formatMode(facts.mode), uid: facts.uid, gid: facts.gid }
}

function errorReport({ lastFailure, lastFailureAt, hint }: UpstreamState) {
  if (lastFailure === null || lastFailureAt === null) return null
  const { code, errno, message } = lastFailure
  return { at: lastFailureAt.toISOString(), code, errno: errno ?? null, detail: message, hint }
}

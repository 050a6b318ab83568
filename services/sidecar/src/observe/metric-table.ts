import { formatMode } from '@uds-sidecar/shared/inspect/file-facts'
import type { CredentialStatus } from '../identity/credentials.ts'
import { ANONYMOUS, byBlame } from './route-counters.ts'
import type { RouteView } from './route-report.ts'
import type { TlsStatus } from './tls-status.ts'

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** One metric and how its samples are read from a route. Every series also has the label `route`. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  readonly samples: (view: RouteView) => readonly Sample[]
}

/** One metric of each file with tokens or passwords. Its series have the label `client` instead of `route`. */
export interface CredentialMetricRow extends Omit<MetricRow, 'samples'> {
  readonly samples: (status: CredentialStatus) => readonly Sample[]
}

/** One metric of each listener with TLS. */
export interface TlsMetricRow extends Omit<MetricRow, 'samples'> {
  readonly samples: (tls: TlsStatus) => readonly Sample[]
}

function single(
  type: MetricRow['type'],
  name: string,
  help: string,
  value: (view: RouteView) => number,
): MetricRow {
  return { type, name, help, labels: [], samples: (view) => [[{}, value(view)]] }
}

/** The metrics per route. Names follow https://prometheus.io/docs/practices/naming/. */
export const METRICS: readonly MetricRow[] = [
  {
    type: 'counter',
    name: 'sidecar_requests_total',
    help: 'Requests by method and status; 499 means that the client left before the response.',
    labels: ['method', 'code'],
    samples: ({ counters }) =>
      [...counters.responses].flatMap(([method, byStatus]) =>
        Array.from(byStatus, ([status, count]): Sample => [{ method, code: `${status}` }, count]),
      ),
  },
  {
    type: 'counter',
    name: 'sidecar_upstream_errors_total',
    help: 'Requests and connections that failed because of the upstream, by reason.',
    labels: ['reason'],
    samples: ({ counters }) => byBlame(counters).failed.map(([reason, count]): Sample => [{ reason }, count]),
  },
  {
    type: 'counter',
    name: 'sidecar_requests_refused_total',
    help: 'Requests and connections that the sidecar refused, by code.',
    labels: ['code'],
    samples: ({ counters }) => byBlame(counters).refused.map(([code, count]): Sample => [{ code }, count]),
  },
  {
    type: 'counter',
    name: 'sidecar_client_requests_total',
    help: 'Requests on routes whose rules name clients, by client; anonymous: the caller proved to be none.',
    labels: ['client'],
    samples: clientRequests,
  },
  {
    type: 'counter',
    name: 'sidecar_egress_denied_total',
    help: 'CONNECT requests that were refused, and tunnels that were cut, by reason.',
    labels: ['reason'],
    samples: ({ counters }) =>
      Array.from(counters.egressDenied, ([reason, count]): Sample => [{ reason }, count]),
  },
  {
    type: 'counter',
    name: 'sidecar_proxy_header_failures_total',
    help: 'Connections that were closed because of their PROXY header, by reason.',
    labels: ['reason'],
    samples: ({ counters }) =>
      Array.from(counters.proxyHeaderFailures, ([reason, count]): Sample => [{ reason }, count]),
  },
  single('gauge', 'sidecar_connections', 'Open client connections.', (view) => view.counters.connectionsOpen),
  single(
    'counter',
    'sidecar_connections_total',
    'Client connections accepted so far.',
    (view) => view.counters.connectionsTotal,
  ),
  {
    type: 'counter',
    name: 'sidecar_connections_by_uid_total',
    help: 'Client connections accepted on a Unix socket, by uid of the caller: unknown, at most 32 uids, then other.',
    labels: ['uid'],
    samples: ({ counters }) =>
      Array.from(counters.connectionsByUid, ([uid, count]): Sample => [{ uid }, count]),
  },
  {
    type: 'gauge',
    name: 'sidecar_tunnels',
    help: 'Open tunnels: responses of rules with long, and upgraded connections.',
    labels: ['kind'],
    samples: ({ counters, route }) => tunnels(route.kind, counters.tunnelsOpen),
  },
  {
    type: 'counter',
    name: 'sidecar_tunnels_total',
    help: 'Tunnels opened so far: responses of rules with long, and upgraded connections.',
    labels: ['kind'],
    samples: ({ counters, route }) => tunnels(route.kind, counters.tunnelsTotal),
  },
  single(
    'counter',
    'sidecar_stream_sent_bytes_total',
    'Bytes sent to the upstream on stream connections, tunnels and upgraded connections that have ended.',
    (view) => view.counters.bytesSent,
  ),
  single(
    'counter',
    'sidecar_stream_received_bytes_total',
    'Bytes received from the upstream on stream connections, tunnels and upgraded connections that have ended.',
    (view) => view.counters.bytesReceived,
  ),
  {
    type: 'gauge',
    name: 'sidecar_upstream_up',
    help: 'Whether the upstream accepted the last connection, or with ready responded to the last probe with 2xx: 1 or 0.',
    labels: [],
    samples: ({ upstream }) => (upstream === null ? [] : [[{}, upstream.state.up ? 1 : 0]]),
  },
  {
    type: 'gauge',
    name: 'sidecar_upstream_optional',
    help: 'Whether the sidecar is ready also while this upstream is down: 1 or 0.',
    labels: [],
    samples: ({ upstream, route }) => (upstream === null ? [] : [[{}, route.optional ? 1 : 0]]),
  },
  {
    type: 'gauge',
    name: 'sidecar_upstream_generation',
    help: 'Different sockets seen at the path of the upstream so far.',
    labels: [],
    samples: ({ upstream }) => (upstream === null ? [] : [[{}, upstream.state.generation]]),
  },
  {
    type: 'gauge',
    name: 'sidecar_upstream_socket_info',
    help: 'Always 1; the file at the path of the upstream.',
    labels: ['path', 'mode', 'uid', 'gid'],
    samples: socketInfo,
  },
  {
    type: 'gauge',
    name: 'sidecar_upstream_tls_certificate_expiry_timestamp_seconds',
    help: 'When the certificate of the upstream expires, as it was last presented, in seconds since the epoch.',
    labels: [],
    samples: ({ outgoing }) => timeOf(outgoing?.upstreamTls?.peer?.expiresAt),
  },
  {
    type: 'gauge',
    name: 'sidecar_upstream_own_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that the sidecar presents to the upstream expires, in seconds since the epoch.',
    labels: [],
    samples: ({ outgoing }) => timeOf(outgoing?.upstreamTls?.expiresAt),
  },
  {
    type: 'gauge',
    name: 'sidecar_upstream_files_last_reload_successful',
    help: 'Whether the files of upstreamTls and credentials, as they are now, are in use: 1, or 0 when some were refused.',
    labels: [],
    samples: ({ outgoing }) => {
      const followed = [outgoing?.upstreamTls, outgoing?.credentials].filter((each) => each != null)
      return followed.length === 0 ? [] : [[{}, followed.every((each) => each.lastFailure === null) ? 1 : 0]]
    },
  },
  {
    type: 'counter',
    name: 'sidecar_upstream_files_reload_failures_total',
    help: 'How often changed files of upstreamTls and credentials were refused.',
    labels: [],
    samples: ({ outgoing }) =>
      outgoing?.upstreamTls || outgoing?.credentials ? [[{}, outgoing.counters.reloadFailures]] : [],
  },
]

function timeOf(date: Date | null | undefined): Sample[] {
  return date ? [[{}, date.getTime() / 1_000]] : []
}

/** The value of the label `route` for the operations port: no route can have this name. */
export const OPS_LABEL = '(ops)'

/** The metrics of each listener with TLS. */
export const TLS_METRICS: readonly TlsMetricRow[] = [
  {
    type: 'gauge',
    name: 'sidecar_tls_certificate_expiry_timestamp_seconds',
    help: 'When the first certificate of the chain in use expires, in seconds since the epoch.',
    labels: [],
    samples: ({ expiresAt }) => [[{}, expiresAt.getTime() / 1_000]],
  },
  {
    type: 'gauge',
    name: 'sidecar_tls_last_reload_successful',
    help: 'Whether the certificate and key files, as they are now, are in use: 1, or 0 when they were refused.',
    labels: [],
    samples: ({ lastFailure }) => [[{}, lastFailure === null ? 1 : 0]],
  },
  {
    type: 'counter',
    name: 'sidecar_tls_reload_failures_total',
    help: 'How often changed certificate or key files were refused.',
    labels: [],
    samples: ({ counters }) => [[{}, counters.reloadFailures]],
  },
  {
    type: 'counter',
    name: 'sidecar_tls_handshake_failures_total',
    help: 'TLS handshakes that failed, by reason.',
    labels: ['reason'],
    samples: ({ counters }) =>
      Array.from(counters.handshakeFailures, ([reason, count]): Sample => [{ reason }, count]),
  },
  {
    type: 'gauge',
    name: 'sidecar_tls_client_ca_expiry_timestamp_seconds',
    help: 'When the first client CA in use expires, in seconds since the epoch.',
    labels: [],
    samples: ({ clientCa }) => (clientCa === null ? [] : [[{}, clientCa.expiresAt.getTime() / 1_000]]),
  },
  {
    type: 'gauge',
    name: 'sidecar_tls_client_ca_last_reload_successful',
    help: 'Whether the file of the client CA, as it is now, is in use: 1, or 0 when it was refused.',
    labels: [],
    samples: ({ clientCa }) => (clientCa === null ? [] : [[{}, clientCa.lastFailure === null ? 1 : 0]]),
  },
  {
    type: 'counter',
    name: 'sidecar_tls_client_ca_reload_failures_total',
    help: 'How often a changed file of the client CA was refused.',
    labels: [],
    samples: ({ clientCa }) => (clientCa === null ? [] : [[{}, clientCa.counters.reloadFailures]]),
  },
]

/** The metrics of each file with tokens or passwords. */
export const CREDENTIAL_METRICS: readonly CredentialMetricRow[] = [
  {
    type: 'gauge',
    name: 'sidecar_credentials_last_reload_successful',
    help: 'Whether the file of a client, as it is now, is in use: 1, or 0 when it was refused.',
    labels: [],
    samples: ({ lastFailure }) => [[{}, lastFailure === null ? 1 : 0]],
  },
  {
    type: 'counter',
    name: 'sidecar_credentials_reload_failures_total',
    help: 'How often a changed file of a client was refused.',
    labels: [],
    samples: ({ reloadFailures }) => [[{}, reloadFailures]],
  },
]

/** The clients of the configuration alone: counters outlive a reload. */
function clientRequests({ route, counters }: RouteView): Sample[] {
  if (route.kind !== 'http' || route.clients.length === 0) return []
  const labels = [...route.clients.map(({ name }) => name), ANONYMOUS]
  return labels.map((client) => [{ client }, counters.requestsByClient.get(client) ?? 0])
}

function tunnels(kind: string, counts: Readonly<Record<string, number>>): Sample[] {
  if (kind !== 'http') return []
  return Object.entries(counts).map(([kind, count]) => [{ kind }, count])
}

function socketInfo({ upstream }: RouteView): Sample[] {
  if (upstream === null || upstream.endpoint.kind !== 'unix') return []
  const { facts } = upstream.state
  if (facts === null) return []
  const { uid, gid } = facts
  return [[{ path: upstream.endpoint.path, mode: formatMode(facts.mode), uid: `${uid}`, gid: `${gid}` }, 1]]
}

import type { Failure } from '@uds-sidecar/shared/failure/failure'

/** The certificate that an upstream presented, as far as it is shown. */
export interface PeerCertificate {
  readonly subject: string
  readonly issuer: string
  readonly expiresAt: Date
  /** The version of TLS. */
  readonly protocol: string
  readonly seenAt: Date
}

/** Files that are followed. */
interface FollowedStatus {
  /** When they were read. */
  readonly since: Date
  /** Why files that have changed since then are not in use; null when there is no such reason. */
  readonly lastFailure: Failure | null
}

/** TLS towards an upstream, as far as the operations port shows it. */
export interface UpstreamTlsStatus extends FollowedStatus {
  readonly settings: {
    readonly ca?: string | undefined
    readonly certificate?: string | undefined
    readonly key?: string | undefined
    readonly minVersion: string
    readonly alpn?: readonly string[] | undefined
  }
  readonly serverName: string
  /** Of the sidecar's own certificate; null without one. */
  readonly subject: string | null
  readonly expiresAt: Date | null
  readonly peer: PeerCertificate | null
}

/** The credentials that requests of a route get: never their values. */
export interface CredentialsStatus extends FollowedStatus {
  readonly settings: readonly { readonly name: string; readonly path: string }[]
}

/** How often changed files were refused. */
export interface OutgoingCounters {
  reloadFailures: number
}

/** The way of one route to an upstream on TCP, as far as the operations port shows it. */
export interface OutgoingStatus {
  readonly upstreamTls: UpstreamTlsStatus | null
  readonly credentials: CredentialsStatus | null
  /** Of all these files. They outlive a reload of the configuration. */
  readonly counters: OutgoingCounters
}

/** TLS towards an upstream as `/routes` shows it, in JSON. */
export function upstreamTlsReport(status: UpstreamTlsStatus) {
  const { settings, serverName, subject, expiresAt, peer } = status
  return {
    serverName,
    minVersion: settings.minVersion,
    alpn: settings.alpn ?? null,
    ca: settings.ca ?? 'system',
    certificate: settings.certificate ?? null,
    key: settings.key ?? null,
    subject,
    expires: expiresAt?.toISOString() ?? null,
    peer: peer && {
      subject: peer.subject,
      issuer: peer.issuer,
      expires: peer.expiresAt.toISOString(),
      protocol: peer.protocol,
      at: peer.seenAt.toISOString(),
    },
    ...followedReport(status),
  }
}

/** Credentials as `/routes` shows them: the field names, and the files that have the values. */
export function credentialsReport(status: CredentialsStatus) {
  return {
    fields: Object.fromEntries(status.settings.map(({ name, path }) => [name, path])),
    ...followedReport(status),
  }
}

function followedReport({ since, lastFailure }: FollowedStatus) {
  return {
    since: since.toISOString(),
    lastError: lastFailure && { code: lastFailure.code, detail: lastFailure.message, hint: lastFailure.hint },
  }
}

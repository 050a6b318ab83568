import type { Failure } from '@uds-sidecar/shared/failure/failure'

/** Why a TLS handshake failed: the values of the label `reason`. */
export const HANDSHAKE_FAILURES = [
  'plain_http',
  'not_tls',
  'version',
  'alpn',
  'cipher',
  'client_certificate',
  'rejected_by_client',
  'protocol',
  'timeout',
  'overloaded',
  'closed',
] as const

export type HandshakeFailure = (typeof HANDSHAKE_FAILURES)[number]

/** What a listener counts about TLS. It outlives a reload of the configuration. */
export class TlsCounters {
  readonly handshakeFailures = new Map<HandshakeFailure, number>(
    HANDSHAKE_FAILURES.map((reason) => [reason, 0]),
  )
  reloadFailures = 0
  readonly clientCa: ClientCaCounters = { reloadFailures: 0 }

  failed(reason: HandshakeFailure): void {
    this.handshakeFailures.set(reason, (this.handshakeFailures.get(reason) ?? 0) + 1)
  }
}

export interface ClientCaCounters {
  reloadFailures: number
}

/** The CAs of the clients of one listener, as far as the operations port shows them. */
export interface ClientCaStatus {
  /** Path from the configuration. */
  readonly path: string
  /** PEM, one certificate each. */
  readonly authorities: readonly string[]
  /** The first moment at which one of the CAs has expired. */
  readonly expiresAt: Date
  /** When the CAs in use were read. */
  readonly since: Date
  /** Why a file that has changed since then is not in use; null when there is no such reason. */
  readonly lastFailure: Failure | null
  readonly counters: ClientCaCounters
}

/** TLS of one listener, as far as the operations port shows it. */
export interface TlsStatus {
  /** Paths from the configuration. */
  readonly settings: {
    readonly certificate: string
    readonly key: string
    readonly minVersion: string
    readonly alpn?: readonly string[] | undefined
  }
  /** The name that the certificate in use has for its owner. */
  readonly subject: string
  /** The first moment at which a certificate of the chain in use has expired. */
  readonly expiresAt: Date
  /** When the certificate in use was read. */
  readonly since: Date
  /** Why files that have changed since then are not in use; null when there is no such reason. */
  readonly lastFailure: Failure | null
  readonly counters: TlsCounters
  /** Null where no certificate is asked for. */
  readonly clientCa: ClientCaStatus | null
}

/** TLS of one listener as `/routes` shows it, in JSON. */
export function tlsReport({ settings, subject, expiresAt, since, lastFailure, clientCa }: TlsStatus) {
  return {
    certificate: settings.certificate,
    key: settings.key,
    minVersion: settings.minVersion,
    alpn: settings.alpn ?? null,
    subject,
    expires: expiresAt.toISOString(),
    since: since.toISOString(),
    lastError: errorReport(lastFailure),
    clientCa: clientCa && clientCaReport(clientCa),
  }
}

function clientCaReport({ path, authorities, expiresAt, since, lastFailure }: ClientCaStatus) {
  return {
    file: path,
    authorities: authorities.length,
    expires: expiresAt.toISOString(),
    since: since.toISOString(),
    lastError: errorReport(lastFailure),
  }
}

function errorReport(failure: Failure | null) {
  return failure && { code: failure.code, detail: failure.message, hint: failure.hint }
}

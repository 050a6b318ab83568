import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'
import type { FailureCode } from '../failure/failures.ts'
import { visible } from '../text/visible.ts'
import { peerChain } from './peer-chain.ts'

/** Why a TLS handshake failed: more precise than the code of the failure. */
export type TlsReason =
  | 'expired'
  | 'not_yet_valid'
  | 'self_signed'
  | 'unknown_issuer'
  | 'bad_chain'
  | 'wrong_name'
  | 'certificate_required'
  | 'certificate_refused'
  | 'version'
  | 'no_tls'
  | 'closed'
  | 'handshake'

/** A certificate as far as messages need it. Its texts are safe for a terminal, and cut at a limit. */
export interface CertificateFacts {
  readonly subject: string
  readonly issuer: string
  /** Only to be shown: Node joins the names in a way that can be read as other names. */
  readonly names: string
  readonly validFrom: Date
  readonly validTo: Date
}

/** The TLS handshake with a server failed. */
export class TlsFailure extends Failure {
  readonly reason: TlsReason
  /** What the server presented; null if it presented nothing. */
  readonly certificate: CertificateFacts | null

  /** @param chain what the server presented, its own certificate first; empty if nothing. */
  constructor(endpoint: Endpoint, cause: unknown, chain: readonly X509Certificate[]) {
    const reason = tlsReasonOf(codeOf(cause))
    const row = ROWS[reason]
    const culprit = culpritOf(reason, chain)
    const what = typeof row.what === 'string' ? row.what : row.what(culprit)
    const detail = row.isPlain ? '' : ` (${describeTlsError(cause)})`
    const message = `no TLS with ${formatEndpoint(endpoint)}: ${what}${detail}`
    super(row.code, { message, hint: row.hint, cause })
    this.reason = reason
    this.certificate = culprit
  }
}

interface Row {
  readonly code: FailureCode
  readonly what: string | ((certificate: CertificateFacts | null) => string)
  readonly hint: string
  /** `what` says it all: the message does not repeat what OpenSSL says. */
  readonly isPlain?: boolean
}

const ROWS: Readonly<Record<TlsReason, Row>> = {
  expired: {
    code: 'tls_expired',
    what: (it) => `its certificate expired${it === null ? '' : ` at ${it.validTo.toISOString()}`}`,
    hint: 'renew the certificate of the server, and see that the server reads the new one',
    isPlain: true,
  },
  not_yet_valid: {
    code: 'tls_expired',
    what: (it) =>
      `its certificate is not valid yet${it === null ? '' : `, before ${it.validFrom.toISOString()}`}`,
    hint: 'set the clock of this machine, or wait until the certificate is valid',
    isPlain: true,
  },
  self_signed: {
    code: 'tls_untrusted',
    what: (it) => `its certificate is self-signed${it === null ? '' : `: ${it.subject}`}`,
    hint: 'if this is the right server, trust its certificate as a CA',
    isPlain: true,
  },
  unknown_issuer: {
    code: 'tls_untrusted',
    what: (it) => `the issuer of its certificate is not trusted${it === null ? '' : `: ${it.issuer}`}`,
    hint: 'trust the CA of the server, or let the server send its intermediate certificates',
    isPlain: true,
  },
  bad_chain: {
    code: 'tls_untrusted',
    what: 'its chain of certificates is not valid',
    hint: 'issue the certificate of the server anew: for a server, by a CA, with a strong key',
  },
  wrong_name: {
    code: 'tls_name_mismatch',
    what: (it) => `its certificate has another name${it === null ? '' : `: ${it.names}`}`,
    hint: 'connect by a name of the certificate, or issue it for this name',
    isPlain: true,
  },
  certificate_required: {
    code: 'tls_refused',
    what: 'the server requires a certificate of the client',
    hint: 'present a certificate from a CA that the server trusts',
    isPlain: true,
  },
  certificate_refused: {
    code: 'tls_refused',
    what: 'the server refuses the certificate of this client',
    hint: 'present a valid certificate from a CA that the server trusts',
  },
  version: {
    code: 'tls_refused',
    what: 'client and server have no version of TLS in common',
    hint: 'let the server speak TLS 1.2 or 1.3',
    isPlain: true,
  },
  no_tls: {
    code: 'tls_refused',
    what: 'the server does not speak TLS on this port',
    hint: 'connect without TLS, or correct the port',
    isPlain: true,
  },
  closed: {
    code: 'upstream_reset',
    what: 'the server closed the connection during the handshake',
    hint: 'the server may speak no TLS here, or refuse this client: see its log',
    isPlain: true,
  },
  handshake: {
    code: 'tls_refused',
    what: 'the handshake failed',
    hint: 'see the log of the server',
  },
}

const REASONS: Readonly<Record<string, TlsReason>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not_yet_valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'self_signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'unknown_issuer',
  UNABLE_TO_GET_ISSUER_CERT: 'unknown_issuer',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unknown_issuer',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unknown_issuer',
  ERR_TLS_CERT_ALTNAME_INVALID: 'wrong_name',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'version',
  ERR_SSL_VERSION_TOO_LOW: 'version',
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: 'version',
  ERR_SSL_WRONG_SSL_VERSION: 'version',
  ERR_SSL_WRONG_VERSION_NUMBER: 'no_tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'no_tls',
  ERR_SSL_BAD_RECORD_TYPE: 'no_tls',
  ERR_SSL_HTTP_REQUEST: 'no_tls',
  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  EPIPE: 'closed',
  EE_KEY_TOO_SMALL: 'bad_chain',
}

/** The alerts of TLS (RFC 8446 section 6) that say more than that the handshake failed. */
const ALERTS: Readonly<Record<string, TlsReason>> = {
  CERTIFICATE_REQUIRED: 'certificate_required',
  NO_CERTIFICATE: 'certificate_required',
  BAD_CERTIFICATE: 'certificate_refused',
  UNSUPPORTED_CERTIFICATE: 'certificate_refused',
  CERTIFICATE_REVOKED: 'certificate_refused',
  CERTIFICATE_EXPIRED: 'certificate_refused',
  CERTIFICATE_UNKNOWN: 'certificate_refused',
  UNKNOWN_CA: 'certificate_refused',
  ACCESS_DENIED: 'certificate_refused',
  DECRYPT_ERROR: 'certificate_refused',
  PROTOCOL_VERSION: 'version',
}

/**
 * Why a handshake failed, by the `code` that Node reports.
 * @returns `handshake` for a code that is not known
 */
export function tlsReasonOf(code: string): TlsReason {
  const alert = /^ERR_SSL_.*_ALERT_(?<name>\w+)$/.exec(code)?.groups?.name
  if (alert !== undefined) return ALERTS[alert] ?? 'handshake'
  // What OpenSSL says about a certificate has neither the prefix of Node's codes nor that of the system's.
  return REASONS[code] ?? (/^(?!E)[A-Z_]+$/.test(code) ? 'bad_chain' : 'handshake')
}

/**
 * The chain that a server presents in the handshake that `socket` is about to do, also if it turns out to be bad: Node
 * destroys the socket before it reports that.
 */
export function presentedOn(socket: TLSSocket): () => readonly X509Certificate[] {
  let chain: readonly X509Certificate[] = []
  socket.prependOnceListener('secure', () => {
    chain = peerChain(socket, MAX_DEPTH)
  })
  return () => chain
}

/** Certificates of a chain that are looked at. */
const MAX_DEPTH = 10

/** The first certificate of the chain that the reason is about: an issuer may have expired, and not the server's own. */
function culpritOf(reason: TlsReason, chain: readonly X509Certificate[]): CertificateFacts | null {
  const isBad = IS_BAD[reason]
  const culprit = (isBad === undefined ? undefined : chain.find(isBad)) ?? chain[0]
  return culprit === undefined ? null : factsOf(culprit)
}

const IS_BAD: Partial<Record<TlsReason, (certificate: X509Certificate) => boolean>> = {
  expired: ({ validToDate }) => validToDate.getTime() <= Date.now(),
  not_yet_valid: ({ validFromDate }) => validFromDate.getTime() > Date.now(),
}

/** Reads a certificate for messages. */
export function factsOf(certificate: X509Certificate): CertificateFacts {
  const { subject, issuer, subjectAltName, validFromDate, validToDate } = certificate
  return {
    subject: shown(subject),
    issuer: shown(issuer),
    names: shown(subjectAltName ?? 'no names at all'),
    validFrom: validFromDate,
    validTo: validToDate,
  }
}

const MAX_LETTERS = 300

/** Node writes one part of a name per line. Everything in it is chosen by whoever made the certificate. */
function shown(text: string | undefined): string {
  const line = visible((text ?? '').slice(0, MAX_LETTERS + 1).replaceAll('\n', ', '))
  return line.length > MAX_LETTERS ? `${line.slice(0, MAX_LETTERS)}…` : line
}

/** What OpenSSL says, without its internal numbers, file and line. */
export function describeTlsError(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown'
  if ('reason' in cause && typeof cause.reason === 'string' && cause.reason !== '') return shown(cause.reason)
  return shown(cause.message)
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

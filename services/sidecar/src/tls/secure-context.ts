/** What OpenSSL gets for each handshake of a listener: its certificate, and which versions and ciphers may be negotiated. */
import type { SecureContextOptions } from 'node:tls'
import type { TlsSettings } from '../config/tls-schema.ts'
import type { CertificatePair } from './certificate-pair.ts'
import type { ClientCa } from './client-ca.ts'
import { crypto } from './node-tls.ts'

/**
 * Those of TLS 1.3, and of TLS 1.2 those with an ephemeral key exchange and authenticated encryption (RFC 9325 section
 * 4.2). Node's own list also has RSA key transport, with which the key of the certificate decrypts recorded connections.
 */
const CIPHERS =
  'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:ECDHE+AESGCM:ECDHE+CHACHA20'

export interface ContextParts {
  readonly settings: TlsSettings
  readonly pair: CertificatePair
  /** Null where clients are not asked for a certificate. */
  readonly clientCa: ClientCa | null
}

/**
 * The random ticket keys of a context are its own: a session is resumed only on this listener with this certificate. A
 * resumed session would show the client's certificate of its first handshake, unverified: with `clientCa` there is none.
 */
export function contextOf({ settings, pair, clientCa }: ContextParts): SecureContextOptions {
  const { SSL_OP_NO_RENEGOTIATION, SSL_OP_NO_TICKET } = crypto.constants
  const { cert, key } = pair
  const { minVersion } = settings
  const secureOptions = SSL_OP_NO_RENEGOTIATION | (clientCa === null ? 0 : SSL_OP_NO_TICKET)
  const ca = clientCa === null ? {} : { ca: [...clientCa.authorities] }
  return { cert, key, minVersion, secureOptions, ciphers: CIPHERS, ...ca }
}

import { isIP, type LookupFunction, type OnReadOpts } from 'node:net'
import type { ConnectionOptions, SecureContext, SecureVersion, TLSSocket } from 'node:tls'
import { type Endpoint, nodeAddress } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'
import { describeTlsError } from './tls-failure.ts'

/** What a client of TLS trusts, and what it presents. All values are PEM text. */
export interface TlsMaterial {
  /** The only CAs that are trusted. Default: those of the system and of Node. */
  readonly ca?: string | readonly string[] | undefined
  /** The certificate of this client, with its chain; needs `key`. Default: none. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** Default `TLSv1.2`. */
  readonly minVersion?: SecureVersion | undefined
}

/** TLS over a dialled connection. */
export interface TlsDialOptions {
  /** Of {@link tlsContext}. Make it once: reading the CAs of the system takes some 30 ms. */
  readonly context: SecureContext
  /**
   * The name, or the IP address, that the certificate of the server must have. A name is sent to the server too (SNI).
   * Default: the host of a TCP endpoint.
   */
  readonly serverName?: string | undefined
  /** Protocols to offer (ALPN). Default: none. */
  readonly protocols?: readonly string[] | undefined
  /**
   * The session of an earlier connection, to resume it. Give only one whose connection has emitted `secureConnect`, made
   * with the same context and name: Node does not check the name of a server that resumes a session.
   */
  readonly session?: Buffer | undefined
  /** Called with the socket before anything has happened on it. */
  readonly observe?: ((socket: TLSSocket) => void) | undefined
}

/** `node:tls`, loaded by the first program that uses it: loading it adds 10 ms to a start. */
function nodeTls() {
  return process.getBuiltinModule('node:tls')
}

/**
 * Reads certificates and key, for {@link TlsDialOptions}.
 * @throws Failure `bad_config` when certificate and key do not fit, or cannot be read
 */
export function tlsContext({ ca, certificate, key, minVersion = 'TLSv1.2' }: TlsMaterial): SecureContext {
  const tls = nodeTls()
  const crypto = process.getBuiltinModule('node:crypto')
  try {
    return tls.createSecureContext({
      ca: ca === undefined ? trustedByDefault() : [ca].flat(),
      cert: certificate,
      key,
      minVersion,
      // A server could ask for handshake after handshake, and present another certificate in each.
      secureOptions: crypto.constants.SSL_OP_NO_RENEGOTIATION,
    })
  } catch (cause) {
    throw new Failure('bad_config', {
      message: `the certificates for TLS are not usable: ${describeTlsError(cause)}`,
      hint: 'give PEM files, and the key that belongs to the certificate',
      cause,
    })
  }
}

/** Node's own list has fewer CAs than Debian's, and knows none that a company adds to its machines. */
function trustedByDefault(): string[] {
  const { getCACertificates } = nodeTls()
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system')])]
}

interface Reading {
  readonly allowHalfOpen: boolean
  readonly onread: OnReadOpts | undefined
  readonly lookup: LookupFunction | undefined
}

/**
 * Begins to connect. The socket emits `connect`, then `secureConnect` once the certificate of the server is verified, or
 * `error`. Does not depend on NODE_TLS_REJECT_UNAUTHORIZED.
 */
export function connectTls(endpoint: Endpoint, options: TlsDialOptions, reading: Reading): TLSSocket {
  const { connect, checkServerIdentity } = nodeTls()
  const { context, serverName = hostOf(endpoint), protocols, session, observe } = options
  const parts: ConnectionOptions & Partial<Reading> = {
    ...nodeAddress(endpoint),
    ...reading,
    secureContext: context,
    rejectUnauthorized: true,
    // An IP address is not sent: SNI has names only (RFC 6066 section 3), and Node would throw.
    servername: isIP(serverName) === 0 ? serverName : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(serverName, certificate),
    ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
    ...(session === undefined ? {} : { session }),
  }
  const socket = connect(parts)
  observe?.(socket)
  return socket
}

function hostOf(endpoint: Endpoint): string {
  return endpoint.kind === 'tcp' ? endpoint.host : 'localhost'
}

import type { Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { peerOf } from '@uds-sidecar/shared/kernel/peer'
import type { CertificateNames } from '../identity/certificate-names.ts'

/** Who connected, as far as the connection itself proves it. */
export interface Caller {
  /** What the limits per caller count by: the address on TCP, the uid on a Unix socket. */
  readonly key: string
  /** The uid on a Unix socket; null where it is not known, undefined on TCP. */
  readonly uid: number | null | undefined
  /** On a Unix socket: the primary group and the supplementary ones. */
  readonly groups: readonly number[]
  /** The client certificate; null without one. */
  readonly certificate: ProvenCertificate | null
}

/** All callers on Unix sockets whose uid is not known count as one. */
const UNKNOWN: Caller = { key: 'unknown', uid: null, groups: [], certificate: null }

/**
 * The caller of a connection that was just accepted. To be called in the accept callback, before any `await`: later the
 * socket may be destroyed. On a Unix socket the kernel tells the uid of the process that called connect(2)
 * (SO_PEERCRED, unix(7)); see `peerOf` for when it is not known. The process that uses a connection may be another one,
 * to which the descriptor was passed.
 */
export function callerOf(client: Socket, listen: Endpoint): Caller {
  if (listen.kind === 'tcp')
    return {
      key: client.remoteAddress ?? '',
      uid: undefined,
      groups: [],
      certificate: provenCertificateOf(client),
    }
  const peer = peerOf(client)
  if (peer === undefined) return UNKNOWN
  const { uid, gid, groups } = peer
  return { key: `uid ${uid}`, uid, groups: [gid, ...groups], certificate: null }
}

/** What the client of a TLS connection proved with a certificate, in the handshake. */
export interface ProvenCertificate {
  readonly names: CertificateNames
  /** Whether its dates hold now, and the listener still has the CA that it was verified with. */
  isValid(): boolean
}

/** Who connected, as the log says it: the address on TCP, else the uid, null where it is not known. */
export function originOf({ key, uid }: Pick<Caller, 'key' | 'uid'>): {
  readonly address: string | null
  readonly uid: number | null
} {
  return uid === undefined ? { address: key.replace(/^::ffff:/, ''), uid: null } : { address: null, uid }
}

const CERTIFICATE = Symbol('certificate')

/** Says what the client of a TLS connection proved, for {@link provenCertificateOf}. */
export function setProvenCertificate(socket: Socket, certificate: ProvenCertificate): void {
  Object.assign(socket, { [CERTIFICATE]: certificate })
}

/** Null when the client presented no certificate, or was not asked for one. */
export function provenCertificateOf(
  socket: Socket & { [CERTIFICATE]?: ProvenCertificate },
): ProvenCertificate | null {
  return socket[CERTIFICATE] ?? null
}

import type { Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { peerOf } from '@uds-sidecar/shared/kernel/peer'
import type { CertificateNames } from '../identity/certificate-names.ts'
import { transportOf } from './port.ts'

/** Who connected, as far as the connection itself proves it. */
export interface Caller {
  /** What the limits per caller count by: the address on TCP or of a PROXY header, the uid on a Unix socket. */
  readonly key: string
  /** On TCP, and where a PROXY header says it. It proves nothing: `uid` and the others are those of who connected. */
  readonly address?: string | undefined
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
  const address = clientAddressOf(client)
  if (listen.kind === 'tcp')
    return {
      key: address ?? '',
      address,
      uid: undefined,
      groups: [],
      certificate: provenCertificateOf(client),
    }
  const peer = peerOf(client)
  if (peer === undefined) return address === undefined ? UNKNOWN : { ...UNKNOWN, key: address, address }
  const { uid, gid, groups } = peer
  return { key: address ?? `uid ${uid}`, address, uid, groups: [gid, ...groups], certificate: null }
}

const CLIENT_ADDRESS = Symbol('client address')

/** Says what the PROXY header of a connection said, for {@link clientAddressOf}. */
export function setClientAddress(socket: Socket, address: string): void {
  Object.assign(socket, { [CLIENT_ADDRESS]: address })
}

/**
 * The address of the client: that of the PROXY header, or else of who connected. Undefined on a Unix socket without one. A
 * socket for both families shows IPv4 as `::ffff:a.b.c.d`; proxies do not.
 */
export function clientAddressOf(socket: Socket): string | undefined {
  const transport: Socket & { [CLIENT_ADDRESS]?: string } = transportOf(socket)
  return transport[CLIENT_ADDRESS] ?? socket.remoteAddress?.replace(/^::ffff:/, '')
}

/** What the client of a TLS connection proved with a certificate, in the handshake. */
export interface ProvenCertificate {
  readonly names: CertificateNames
  /** Whether its dates hold now, and the listener still has the CA that it was verified with. */
  isValid(): boolean
}

/**
 * Who sent it, as the log says it: the address on TCP, or what a trusted proxy says; on a Unix socket the uid of who
 * connected, null where it is not known.
 */
export function originOf({ address, uid }: Pick<Caller, 'address' | 'uid'>): {
  readonly address: string | null
  readonly uid: number | null
} {
  return { address: address ?? null, uid: uid ?? null }
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

import type { Socket } from 'node:net'
import type { HandshakeFailure } from '../observe/tls-status.ts'
import type { Peer } from '../relay/connection-limits.ts'
import { Timed } from '../relay/deadlines.ts'

/** What identifies a handshake, and the place that it takes. */
export interface HandshakeParts {
  readonly raw: Socket
  /** Of {@link keyOf}. */
  readonly key: string
  readonly address: string
  /** Null when the client has no place, and is only told so after its handshake. */
  readonly peer: Peer | null
}

/** One connection until its handshake is done. */
export class Handshake extends Timed implements HandshakeParts {
  readonly raw: Socket
  readonly key: string
  readonly address: string
  readonly peer: Peer | null
  /** The client has sent something. Before that, its end is no failed handshake but a probe of the port. */
  hasBegun = false
  isOver = false
  readonly #onLate: (handshake: Handshake) => void

  constructor({ raw, key, address, peer }: HandshakeParts, onLate: (handshake: Handshake) => void) {
    super()
    this.raw = raw
    this.key = key
    this.address = address
    this.peer = peer
    this.#onLate = onLate
  }

  expire(): void {
    this.#onLate(this)
  }
}

/** Identifies a connection of one listener by the other end; null when it is closed. */
export function keyOf({ remoteAddress, remotePort }: Socket): string | null {
  return remotePort === undefined ? null : `${remoteAddress} ${remotePort}`
}

const REASONS: Readonly<Record<string, HandshakeFailure>> = {
  ECONNRESET: 'closed',
  EPIPE: 'closed',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'version',
  ERR_SSL_VERSION_TOO_LOW: 'version',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'alpn',
  ERR_SSL_NO_SHARED_CIPHER: 'cipher',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'cipher',
}

/** @param code of the error that Node reports for a failed handshake. */
export function reasonOf(code: string): HandshakeFailure {
  return REASONS[code] ?? (code.includes('_ALERT_') ? 'rejected_by_client' : 'protocol')
}

import type { DialOptions } from '@uds-sidecar/shared/dial/dial'
import { type Destination, SOCKET } from '../http1/destination.ts'

/** How connections and requests of a route reach its upstream. */
export interface Outgoing {
  /** What a request head gets, and what it loses, on its way there. */
  readonly destination: Destination
  /** Whether connections have TLS: opening one then costs a handshake. */
  readonly isTls: boolean
  /** TLS and the look-up of names for the next connection: files may have changed since the last one. */
  dialOptions(): Pick<DialOptions, 'tls' | 'lookup'>
  /** No connection could be opened: the upstream may have another address by now. */
  dialFailed(): void
  /** Called when idle connections must not be used again. */
  onReplaced: () => void
}

/** To a socket: nothing is added. */
export function toSocket(): Outgoing {
  const nothing = () => undefined
  return {
    destination: SOCKET,
    isTls: false,
    dialOptions: () => ({}),
    dialFailed: nothing,
    onReplaced: nothing,
  }
}

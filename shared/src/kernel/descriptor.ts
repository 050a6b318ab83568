import type { Endpoint } from '../endpoint/endpoint.ts'
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  type Libc,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from './libc.ts'
import { decodeAddress, MAX_ADDRESS_BYTES } from './socket-address.ts'

/** What the kernel says of a socket. */
export interface SocketFacts {
  readonly domain: 'unix' | 'ipv4' | 'ipv6' | 'other'
  readonly type: 'stream' | 'datagram' | 'other'
  /** Whether listen(2) was called on it. */
  readonly listening: boolean
  /** What it is bound to; undefined if to nothing. */
  readonly address: Endpoint | undefined
}

const DOMAINS: Readonly<Record<number, SocketFacts['domain']>> = {
  [AF_UNIX]: 'unix',
  [AF_INET]: 'ipv4',
  [AF_INET6]: 'ipv6',
}

const TYPES: Readonly<Record<number, SocketFacts['type']>> = {
  [SOCK_STREAM]: 'stream',
  [SOCK_DGRAM]: 'datagram',
}

/**
 * What stands behind a descriptor, such as one that was inherited (socket(7), getsockname(2)).
 * @throws SystemError EBADF for a descriptor that is not open, ENOTSOCK for one that is no socket
 */
export function socketFacts(libc: Libc, fd: number): SocketFacts {
  const option = (name: number) => {
    const value = new Int32Array(1)
    libc.getsockopt(fd, SOL_SOCKET, name, value)
    return value[0] ?? 0
  }
  const address = Buffer.alloc(MAX_ADDRESS_BYTES)
  const length = libc.getsockname(fd, address)
  return {
    domain: DOMAINS[option(SO_DOMAIN)] ?? 'other',
    type: TYPES[option(SO_TYPE)] ?? 'other',
    listening: option(SO_ACCEPTCONN) !== 0,
    address: decodeAddress(address.subarray(0, length)),
  }
}

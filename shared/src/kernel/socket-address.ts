import { SocketAddress } from 'node:net'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { AF_INET, AF_INET6, AF_UNIX } from './libc.ts'

/** `struct sockaddr_storage`: any address fits. */
export const MAX_ADDRESS_BYTES = 128

/** `sa_family_t`, in the byte order of x86-64 and arm64. */
const FAMILY_BYTES = 2
/** `struct sockaddr_in`: family, port in network order, 4 bytes. `struct sockaddr_in6`: flow label before 16 bytes. */
const PORT_AT = 2
const V4_AT = 4
const V6_AT = 8

/**
 * A socket address of the Unix domain (unix(7)). An abstract name has no NUL at its end; a NUL there would be a part of
 * the name.
 */
export function encodeUnixAddress(endpoint: Extract<Endpoint, { kind: 'unix' | 'abstract' }>): Uint8Array {
  const name = endpoint.kind === 'unix' ? `${endpoint.path}\0` : `\0${endpoint.name}`
  const bytes = Buffer.from(`\0\0${name}`)
  bytes.writeUInt16LE(AF_UNIX, 0)
  return bytes
}

/**
 * @param bytes `struct sockaddr`, exactly as long as the kernel says
 * @returns undefined for a socket of the Unix domain without a name, and for other families
 */
export function decodeAddress(bytes: Buffer): Endpoint | undefined {
  if (bytes.length < FAMILY_BYTES) return undefined
  const family = bytes.readUInt16LE(0)
  if (family === AF_UNIX) return decodeUnix(bytes.subarray(FAMILY_BYTES))
  if (family === AF_INET && bytes.length >= V4_AT + 4)
    return {
      kind: 'tcp',
      host: bytes.subarray(V4_AT, V4_AT + 4).join('.'),
      port: bytes.readUInt16BE(PORT_AT),
    }
  if (family === AF_INET6 && bytes.length >= V6_AT + 16)
    return {
      kind: 'tcp',
      host: formatV6(bytes.subarray(V6_AT, V6_AT + 16)),
      port: bytes.readUInt16BE(PORT_AT),
    }
  return undefined
}

function decodeUnix(name: Buffer): Endpoint | undefined {
  if (name.length === 0) return undefined
  if (name[0] === 0) return { kind: 'abstract', name: name.toString('utf8', 1) }
  const end = name.indexOf(0)
  return { kind: 'unix', path: name.toString('utf8', 0, end === -1 ? name.length : end) }
}

/** In the form of `net.SocketAddress`. */
function formatV6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, n) => bytes.readUInt16BE(2 * n).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

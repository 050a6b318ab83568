import { parseAddress } from '../egress/address-bytes.ts'
import { crc32c } from '../proxies/proxy-header.ts'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

export interface HeaderParts {
  /** Version and command; default: version 2, PROXY. */
  readonly command?: number
  /** Address family and protocol. */
  readonly family: number
  /** Addresses and ports. */
  readonly addresses?: Uint8Array
  /** Extensions: type and value. */
  readonly extensions?: readonly (readonly [type: number, value: Uint8Array])[]
  /** Of what follows; default: the right one. */
  readonly length?: number
}

/** A PROXY header, version 2, of these parts. */
export function headerOf({
  command = 0x21,
  family,
  addresses,
  extensions = [],
  length,
}: HeaderParts): Buffer {
  const rest = Buffer.concat([
    addresses ?? new Uint8Array(),
    ...extensions.flatMap(([type, value]) => [
      Uint8Array.from([type, value.length >> 8, value.length & 255]),
      value,
    ]),
  ])
  const fixed = Buffer.from([command, family, 0, 0])
  fixed.writeUInt16BE(length ?? rest.length, 2)
  return Buffer.concat([SIGNATURE, fixed, rest])
}

/** Source, destination and two ports, as in the header of a TCP connection. */
export function addressesOf(
  source: string,
  destination = source.includes(':') ? '::1' : '127.0.0.1',
): Buffer {
  const ports = Buffer.from([0xdc, 0x04, 0x01, 0xbb])
  return Buffer.concat([...[source, destination].map(bytesOf), ports])
}

function bytesOf(address: string): Uint8Array {
  const bytes = parseAddress(address)
  if (bytes === undefined) throw new TypeError(`${address} is no address`)
  return bytes
}

/** What a proxy sends for a client on TCP with this address. */
export function proxyHeader(source: string, extensions: HeaderParts['extensions'] = []): Buffer {
  const family = source.includes(':') ? 0x21 : 0x11
  return headerOf({ family, addresses: addressesOf(source), extensions })
}

/** The same with a checksum, which is wrong where `flip` says so. */
export function withChecksum(source: string, flip = false): Buffer {
  const header = proxyHeader(source, [[3, Buffer.alloc(4)]])
  header.writeUInt32BE((crc32c(header) ^ (flip ? 1 : 0)) >>> 0, header.length - 4)
  return header
}

/** What a proxy sends for a connection of its own. */
export const LOCAL_HEADER: Buffer = headerOf({ command: 0x20, family: 0 })

/** Version 2 of the PROXY protocol: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt, section 2.2. */
import type { AddressBytes } from '../egress/address-bytes.ts'
import { unmapped } from './trusted-proxies.ts'

/** Why a connection to a listener with `proxyProtocol: v2` was closed: the values of the label `reason`. */
export const PROXY_HEADER_FAILURES = [
  'untrusted',
  'missing',
  'version_1',
  'malformed',
  'too_long',
  'checksum',
  'timeout',
  'closed',
] as const

export type ProxyHeaderFailure = (typeof PROXY_HEADER_FAILURES)[number]

/** What is wrong with the bytes of a header. */
export type HeaderFault = Exclude<ProxyHeaderFailure, 'untrusted' | 'timeout' | 'closed'>

/** A whole and valid header. */
export interface ProxyHeader {
  /** The bytes after it belong to the client. */
  readonly length: number
  /**
   * The address of the client. Null where the header has none: a connection of the proxy itself (LOCAL), or a client that
   * has no IP address.
   */
  readonly source: AddressBytes | null
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const VERSION_1 = Buffer.from('PROXY ')
/** Signature, version and command, family and protocol, length. */
const FIXED_BYTES = 16
/** The longest header that is read. Addresses take at most 216 bytes of it, the rest is for extensions (TLV). */
export const MAX_HEADER_BYTES = 4_096

/** Version 2 in the high four bits. */
const LOCAL = 0x20
const PROXY = 0x21
/** Families above AF_UNIX, and protocols above DGRAM, are not assigned. */
const [MAX_FAMILY, MAX_PROTOCOL] = [3, 2]
/** Bytes of the addresses and ports, by family. */
const ADDRESS_BYTES = [0, 12, 36, 216] as const
/** Bytes of the source address, which come first; 0: a path is no address. */
const SOURCE_BYTES = [0, 4, 16, 0] as const
const STREAM = 1

const CRC32C_TYPE = 0x03

/**
 * Reads the header at the beginning of a connection, as early as it can be told.
 * @param bytes all that has been received so far.
 * @returns the header, what is wrong with it, or null when more bytes are needed.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | HeaderFault | null {
  if (!isBeginning(SIGNATURE, bytes)) {
    if (!isBeginning(VERSION_1, bytes)) return 'missing'
    return bytes.length < VERSION_1.length ? null : 'version_1'
  }
  const [command = PROXY, family = 0] = bytes.subarray(SIGNATURE.length)
  if (command !== LOCAL && command !== PROXY) return 'malformed'
  const isLocal = command === LOCAL // its family and addresses mean nothing
  if (!isLocal && (family >> 4 > MAX_FAMILY || (family & 15) > MAX_PROTOCOL)) return 'malformed'
  if (bytes.length < FIXED_BYTES) return null
  const length = FIXED_BYTES + bytes.readUInt16BE(FIXED_BYTES - 2)
  if (length > MAX_HEADER_BYTES) return 'too_long'
  const addressesEnd = FIXED_BYTES + addressBytes(family)
  if (!isLocal && addressesEnd > length) return 'malformed'
  if (bytes.length < length) return null
  if (isLocal || addressesEnd === FIXED_BYTES) return { length, source: null }
  return (
    faultInExtensions(bytes.subarray(0, length), addressesEnd) ?? { length, source: sourceOf(bytes, family) }
  )
}

/** Whether `bytes` begin with `whole`, or are a part of its beginning. */
function isBeginning(whole: Buffer, bytes: Buffer): boolean {
  const length = Math.min(whole.length, bytes.length)
  return whole.subarray(0, length).equals(bytes.subarray(0, length))
}

/** 0 where the family or the protocol is unspecified: then nobody knows what follows. */
function addressBytes(family: number): number {
  return (family & 15) === 0 ? 0 : (ADDRESS_BYTES[family >> 4] ?? 0)
}

/** Of a datagram the address is not that of this connection. */
function sourceOf(bytes: Buffer, family: number): AddressBytes | null {
  const length = SOURCE_BYTES[family >> 4] ?? 0
  if (length === 0 || (family & 15) !== STREAM) return null
  return unmapped(Uint8Array.from(bytes.subarray(FIXED_BYTES, FIXED_BYTES + length)))
}

/** Extensions (type, length, value) are skipped, but the checksum is verified where there is one. */
function faultInExtensions(header: Buffer, from: number): HeaderFault | null {
  let checksumAt = -1
  for (let at = from; at < header.length; ) {
    if (at + 3 > header.length) return 'malformed'
    const end = at + 3 + header.readUInt16BE(at + 1)
    if (end > header.length) return 'malformed'
    if (header[at] === CRC32C_TYPE) {
      if (end !== at + 7 || checksumAt >= 0) return 'malformed'
      checksumAt = at + 3
    }
    at = end
  }
  return checksumAt < 0 || hasChecksum(header, checksumAt) ? null : 'checksum'
}

function hasChecksum(header: Buffer, at: number): boolean {
  const zeroed = Buffer.from(header).fill(0, at, at + 4)
  return crc32c(zeroed) === header.readUInt32BE(at)
}

const POLYNOMIAL = 0x82f6_3b78

/** CRC-32C (Castagnoli), RFC 4960 appendix B; `node:zlib` has another polynomial. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1))
  }
  return ~crc >>> 0
}

import { isIPv6 } from 'node:net'

/** An address as bytes in network order: 4 of IPv4, 16 of IPv6. */
export type AddressBytes = Uint8Array

const IPV4 = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$/

/**
 * Reads an address in its strict form: four decimal numbers without leading zeros, or IPv6 (RFC 4291 section 2.2)
 * without a scope. Undefined for any other text: inet_aton(3) would take `127.1`, `0177.0.0.1` and `2130706433` too.
 */
export function parseAddress(text: string): AddressBytes | undefined {
  if (text.includes(':')) return isIPv6(text) && !text.includes('%') ? ipv6Bytes(text) : undefined
  const bytes = IPV4.exec(text)?.slice(1).map(Number)
  return bytes === undefined || bytes.some((byte) => byte > 255) ? undefined : Uint8Array.from(bytes)
}

/** @param text that `isIPv6` accepts */
function ipv6Bytes(text: string): AddressBytes {
  const [before = '', after] = text.split('::')
  const head = groupBytes(before)
  const tail = after === undefined ? [] : groupBytes(after)
  const zeros = new Array<number>(16 - head.length - tail.length).fill(0)
  return Uint8Array.from([...head, ...zeros, ...tail])
}

function groupBytes(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return group.split('.').map(Number)
    const value = Number.parseInt(group, 16)
    return [value >> 8, value & 0xff]
  })
}

/** The shortest usual text; IPv6 without brackets, in lower case. */
export function formatAddress(bytes: AddressBytes): string {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) =>
    (((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0)).toString(16),
  )
  const [run = ''] = [...`:${groups.join(':')}:`.matchAll(/(?::0){2,}(?=:)/g)]
    .map(([zeros]) => zeros)
    .sort((a, b) => b.length - a.length)
  if (run === '') return groups.join(':')
  return `:${groups.join(':')}:`.replace(run, ':').replace(/^:(?!:)|(?<!:):$/g, '')
}

/** The addresses that share their first `bits` bits with `first`. */
export interface Block {
  readonly first: AddressBytes
  readonly bits: number
}

/**
 * Reads `10.0.0.0/8` or `fd00::/8`. Undefined for any other text, and for one whose address has bits after the prefix,
 * such as `10.1.0.0/8`.
 */
export function parseBlock(text: string): Block | undefined {
  const [, address = '', length = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(text) ?? []
  const first = parseAddress(address)
  const bits = Number(length)
  if (first === undefined || length === '' || bits > first.length * 8) return undefined
  const hasMore = first.some((byte, index) => (byte & ~maskOf(bits, index)) !== 0)
  return hasMore ? undefined : { first, bits }
}

/** The bits of byte `index` that belong to a prefix of `bits` bits. */
function maskOf(bits: number, index: number): number {
  const inByte = Math.min(Math.max(bits - index * 8, 0), 8)
  return (0xff << (8 - inByte)) & 0xff
}

/** Whether `address` is in the block. IPv4 is never in a block of IPv6, nor the other way round. */
export function isInBlock({ first, bits }: Block, address: AddressBytes): boolean {
  if (address.length !== first.length) return false
  return first.every((byte, index) => (((address[index] ?? 0) ^ byte) & maskOf(bits, index)) === 0)
}

/**
 * The first address that a machine can have in the network of `address`: after the address of the network itself, but in a
 * network of two (RFC 3021, RFC 6164) the one that is not `address`. Undefined where `address` is alone.
 */
export function firstOfNetwork(address: AddressBytes, netmask: AddressBytes): AddressBytes | undefined {
  if (netmask.length !== address.length) return undefined
  const network = address.map((byte, index) => byte & (netmask[index] ?? 0))
  const last = network.length - 1
  const hostBits = ~(netmask[last] ?? 0) & 0xff
  if (hostBits === 0) return undefined
  if (hostBits === 1) return address.with(last, (address[last] ?? 0) ^ 1)
  return network.with(last, (network[last] ?? 0) | 1)
}

/** Whether both are in the same network. */
export function isSameNetwork(one: AddressBytes, other: AddressBytes, netmask: AddressBytes): boolean {
  return (
    one.length === other.length &&
    netmask.every((mask, index) => (((one[index] ?? 0) ^ (other[index] ?? 0)) & mask) === 0)
  )
}

/** Whether it stands for one address alone: /32 of IPv4, /128 of IPv6. */
export function isOneAddress({ first, bits }: Block): boolean {
  return bits === first.length * 8
}

import {
  type AddressBytes,
  type Block,
  isInBlock,
  isOneAddress,
  parseAddress,
  parseBlock,
} from './address-bytes.ts'
import {
  type AddressKind,
  METADATA,
  SPECIAL_IPV4,
  SPECIAL_IPV6,
  type SpecialBlock,
} from './special-addresses.ts'

/** Why an address may not be dialled. */
export type AddressRefusal =
  | Exclude<AddressKind, 'global'>
  | 'not an address'
  | 'embedded IPv4'
  | 'metadata'
  | 'own address'
  | 'gateway'

interface Row {
  readonly block: Block
  readonly kind: AddressKind
}

/** The longest blocks first, so that the first match counts. */
function compiled(blocks: readonly SpecialBlock[]): readonly Row[] {
  return blocks
    .map(([block, kind]) => ({ block: blockOf(block), kind }))
    .sort((a, b) => b.block.bits - a.block.bits)
}

function blockOf(text: string): Block {
  const block = parseBlock(text)
  if (block === undefined) throw new TypeError(`${text} is not a block of addresses`)
  return block
}

const IPV4 = compiled(SPECIAL_IPV4)
const IPV6 = compiled(SPECIAL_IPV6)
const METADATA_BLOCKS = METADATA.map((text) => blockOf(`${text}/${text.includes(':') ? 128 : 32}`))

/** What the registries of IANA say about an address: see special-addresses.ts. */
export function kindOf(address: AddressBytes): AddressKind {
  const rows = address.length === 4 ? IPV4 : IPV6
  return rows.find(({ block }) => isInBlock(block, address))?.kind ?? 'global'
}

/** NAT64 of one network, RFC 8215. */
const LOCAL_NAT64 = blockOf('64:ff9b:1::/48')

/** Where each of these forms has its four bytes of IPv4. */
const EMBEDDING: readonly (readonly [block: Block, at: number])[] = [
  [blockOf('::ffff:0:0/96'), 12], // mapped, RFC 4291
  [blockOf('::ffff:0:0:0/96'), 12], // translated, RFC 2765
  [blockOf('64:ff9b::/96'), 12], // NAT64, RFC 6052
  [LOCAL_NAT64, 12],
  [blockOf('2002::/16'), 2], // 6to4, RFC 3056
  [blockOf('2001::/32'), 12], // Teredo, RFC 4380: the client, with its bits inverted
  [blockOf('::/96'), 12], // compatible, RFC 4291
]
const TEREDO = blockOf('2001::/32')
const LOCAL = [blockOf('::/128'), blockOf('::1/128')]

/**
 * The IPv4 address inside an IPv6 address of a form that embeds one; undefined for other addresses. ISATAP (RFC 5214)
 * embeds it after `0:5efe` under any prefix.
 */
export function embeddedIPv4(address: AddressBytes): AddressBytes | undefined {
  if (address.length === 4 || LOCAL.some((block) => isInBlock(block, address))) return undefined
  const [, at = isIsatap(address) ? 12 : -1] = EMBEDDING.find(([block]) => isInBlock(block, address)) ?? []
  if (at < 0) return undefined
  const inner = address.slice(at, at + 4)
  return isInBlock(TEREDO, address) ? inner.map((byte) => byte ^ 0xff) : inner
}

function isIsatap(address: AddressBytes): boolean {
  const [a = 0, b, c, d] = address.subarray(8, 12)
  return (a & 0xfd) === 0 && b === 0 && c === 0x5e && d === 0xfe
}

/** Addresses of this machine, which change while it runs. */
export interface OwnAddresses {
  /** Of its own interfaces. */
  readonly own: readonly string[]
  /** Of the gateways of its routes, and the first addresses of networks without one. */
  readonly gateways: readonly string[]
}

/** Decides, on bytes, which addresses one route may dial. */
export class AddressRules {
  readonly #allowed: readonly Block[]

  /** @param allowAddresses blocks that `parseBlock` accepts; they open addresses that are not globally reachable */
  constructor(allowAddresses: readonly string[]) {
    this.#allowed = allowAddresses.map(blockOf)
  }

  /**
   * Why `text` may not be dialled; null when it may. Globally reachable addresses may, and those that `allowAddresses`
   * opens. Loopback, `0.0.0.0/8`, metadata services, own addresses and gateways may be dialled only if an entry is that
   * one address. An address that embeds IPv4 needs an entry of its own, and what it embeds must be allowed too: `::/0`
   * does not open `::ffff:127.0.0.1`.
   */
  refusalOf(text: string, { own, gateways }: OwnAddresses): AddressRefusal | null {
    const address = parseAddress(text)
    if (address === undefined) return 'not an address'
    return this.#refusalOf(address, (each) => {
      if (METADATA_BLOCKS.some((block) => isInBlock(block, each))) return 'metadata'
      if (own.some((text) => isSame(text, each))) return 'own address'
      return gateways.some((text) => isSame(text, each)) ? 'gateway' : null
    })
  }

  #refusalOf(
    address: AddressBytes,
    localRefusal: (address: AddressBytes) => AddressRefusal | null,
  ): AddressRefusal | null {
    const opening = this.#allowed.filter((block) => isInBlock(block, address) && mayOpen(block, address))
    if (opening.some(isOneAddress)) return null
    const local = localRefusal(address)
    if (local !== null) return local
    const kind = kindOf(address)
    if (kind === 'loopback' || kind === 'this network') return kind
    const inner = embeddedIPv4(address)
    if (inner !== undefined)
      return opening.length === 0 ? 'embedded IPv4' : this.#refusalOf(inner, localRefusal)
    return kind === 'global' || opening.length > 0 ? null : kind
  }
}

/**
 * Where the IPv4 bytes are in `64:ff9b:1::/48` depends on the length of the prefix that the network has chosen (RFC 6052
 * section 2.2). Only /96 is understood.
 */
function mayOpen({ bits }: Block, address: AddressBytes): boolean {
  return bits >= 96 || !isInBlock(LOCAL_NAT64, address)
}

/** @param text of an interface or a gateway: with a scope if it is link-local */
function isSame(text: string, address: AddressBytes): boolean {
  const [bare = ''] = text.split('%', 1)
  const bytes = parseAddress(bare)
  return (
    bytes !== undefined && bytes.length === address.length && bytes.every((byte, i) => byte === address[i])
  )
}

/**
 * Why an entry of `allowAddresses` would open nothing; undefined when it opens something.
 * @param text an entry that `parseBlock` accepts
 */
export function uselessEntry(text: string): string | undefined {
  const block = blockOf(text)
  if (isOneAddress(block)) return undefined
  const isWithin = (outer: string) => {
    const { first, bits } = blockOf(outer)
    return block.bits >= bits && isInBlock({ first, bits }, block.first)
  }
  if (!isWithin('127.0.0.0/8') && !isWithin('0.0.0.0/8')) return undefined
  return 'opens nothing, because these addresses are only opened one by one; name each of them, such as 127.0.0.1/32'
}

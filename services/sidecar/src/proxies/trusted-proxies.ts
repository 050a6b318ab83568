import {
  type AddressBytes,
  type Block,
  formatAddress,
  isInBlock,
  parseAddress,
  parseBlock,
} from '../egress/address-bytes.ts'

/** The most entries of `trustedProxies`: some networks of CDNs have nearly 200 blocks. */
export const MAX_TRUSTED_PROXIES = 256
const MAX_UID = 0xffff_fffe
const UID = /^uid:(0|[1-9]\d{0,9})$/

export const TRUSTED_PROXY =
  'may be a block of addresses, such as 10.0.0.0/8 or fd00::/8, one address, uid:N for a user on a Unix socket, or unix for all its users'

/** Who connected, as far as it matters for trust. */
export interface Connected {
  /** Of a caller on TCP, or as its PROXY header says. */
  readonly address?: string | undefined
  /** Of a caller on a Unix socket; null where it is not known. */
  readonly uid: number | null | undefined
}

type Entry = { readonly block: Block } | { readonly uid: number } | 'unix'

function entryOf(text: string): Entry | undefined {
  if (text === 'unix') return 'unix'
  const uid = Number(UID.exec(text)?.[1] ?? Number.NaN)
  if (uid <= MAX_UID) return { uid }
  const block = text.includes('/') ? parseBlock(text) : oneAddress(text)
  return block && { block }
}

function oneAddress(text: string): Block | undefined {
  const first = parseAddress(text)
  return first && { first, bits: first.length * 8 }
}

/** Bits before the IPv4 address in `::ffff:a.b.c.d`. */
const MAPPED_BITS = 96
const MAPPED: Block = {
  first: Uint8Array.from([...Array(10).fill(0), 255, 255, 0, 0, 0, 0]),
  bits: MAPPED_BITS,
}

/**
 * The bytes of an IP address. IPv4 in its IPv6 form (`::ffff:a.b.c.d`) becomes IPv4: a socket for both families shows
 * IPv4 clients in that form. Undefined for any other text; an address with a zone (`fe80::1%eth0`) is one.
 */
export function addressOf(text: string): AddressBytes | undefined {
  const bytes = parseAddress(text)
  return bytes && unmapped(bytes)
}

export function unmapped(bytes: AddressBytes): AddressBytes {
  return isInBlock(MAPPED, bytes) ? bytes.slice(12) : bytes
}

/** Of a caller, as the kernel tells it: the zone of a link-local address is not part of the address. */
export function addressOfPeer(text: string): AddressBytes | undefined {
  return addressOf(text.replace(/%.*/s, ''))
}

/** What is wrong with an entry of `trustedProxies`; undefined when it is right. */
export function mistakeInEntry(text: string): string | undefined {
  const entry = entryOf(text)
  if (entry === undefined) return mistakeInBlock(text)
  if (entry === 'unix' || 'uid' in entry) return undefined
  const { first, bits } = entry.block
  if (bits === 0)
    return 'trusts every address, so that each client could say which address it has: name those of the proxies alone'
  if (first.length === 16 && bits >= MAPPED_BITS && isInBlock(MAPPED, first))
    return `is IPv4 in the form of IPv6: write ${formatAddress(first.slice(12))}/${bits - MAPPED_BITS}`
  return undefined
}

function mistakeInBlock(text: string): string {
  const [address = '', length = ''] = text.split('/')
  const bytes = parseAddress(address)
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  if (bytes === undefined || Number.isNaN(bits)) return TRUSTED_PROXY
  const most = bytes.length * 8
  if (bits > most)
    return `has a prefix of ${bits} bits, and one of IPv${most === 32 ? 4 : 6} has at most ${most}`
  const first = bytes.map((byte, index) => byte & (0xff << Math.min(8, Math.max(0, 8 * (index + 1) - bits))))
  return `has bits after its prefix: write ${formatAddress(first)}/${bits}, or ${formatAddress(bytes)} for this address alone`
}

/** Two spellings of one entry are the same. @param text an entry without mistake */
export function normalEntry(text: string): string {
  const entry = entryOf(text)
  if (entry === undefined || entry === 'unix' || 'uid' in entry) return text
  return `${formatAddress(entry.block.first)}/${entry.block.bits}`
}

/** Whether callers on Unix sockets, and not those on TCP, are meant. */
export function isForUnix(text: string): boolean {
  return text === 'unix' || text.startsWith('uid:')
}

/** The proxies in front of a listener: what they say about the address of their client counts. */
export class TrustedProxies {
  readonly #blocks: readonly Block[]
  readonly #uids: ReadonlySet<number>
  readonly #isUnixTrusted: boolean

  /** @param entries of `trustedProxies`, each without mistake */
  constructor(entries: readonly string[]) {
    const all = entries.flatMap((text) => entryOf(text) ?? [])
    this.#blocks = all.flatMap((entry) => (entry !== 'unix' && 'block' in entry ? [entry.block] : []))
    this.#uids = new Set(all.flatMap((entry) => (entry !== 'unix' && 'uid' in entry ? [entry.uid] : [])))
    this.#isUnixTrusted = all.includes('unix')
  }

  trustsAddress(address: AddressBytes): boolean {
    return this.#blocks.some((block) => isInBlock(block, address))
  }

  /** Whether who connected is one of them. What its PROXY header says counts more than the connection that brought it. */
  trusts({ address, uid }: Connected): boolean {
    if (address !== undefined) {
      const bytes = addressOfPeer(address)
      return bytes !== undefined && this.trustsAddress(bytes)
    }
    if (uid === undefined) return false
    return this.#isUnixTrusted || (uid !== null && this.#uids.has(uid))
  }
}

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatAddress, parseBlock } from './address-bytes.ts'
import { type AddressRefusal, AddressRules } from './addresses.ts'
import { SPECIAL_IPV4, SPECIAL_IPV6 } from './special-addresses.ts'

/** Null: it may be dialled. `none`: there is no such address, because the block is at an end of the address space. */
type Expected = AddressRefusal | 'none' | null

/** A block, then what is expected of the address before it, its first and its last address, and the one after it. */
type Row = readonly [block: string, before: Expected, first: Expected, last: Expected, after: Expected]

/** Every entry of both registries of IANA, as last updated on 2025-10-09, and the blocks of multicast. */
const IPV4: readonly Row[] = [
  ['0.0.0.0/8', 'none', 'this network', 'this network', null],
  ['0.0.0.0/32', 'none', 'this network', 'this network', 'this network'],
  ['10.0.0.0/8', null, 'private', 'private', null],
  ['100.64.0.0/10', null, 'shared', 'shared', null],
  ['127.0.0.0/8', null, 'loopback', 'loopback', null],
  ['169.254.0.0/16', null, 'link-local', 'link-local', null],
  ['172.16.0.0/12', null, 'private', 'private', null],
  ['192.0.0.0/24', null, 'protocol assignment', 'protocol assignment', null],
  ['192.0.0.0/29', null, 'protocol assignment', 'protocol assignment', 'protocol assignment'],
  ['192.0.0.8/32', 'protocol assignment', 'protocol assignment', 'protocol assignment', null],
  ['192.0.0.9/32', 'protocol assignment', null, null, null],
  ['192.0.0.10/32', null, null, null, 'protocol assignment'],
  [
    '192.0.0.170/32',
    'protocol assignment',
    'protocol assignment',
    'protocol assignment',
    'protocol assignment',
  ],
  [
    '192.0.0.171/32',
    'protocol assignment',
    'protocol assignment',
    'protocol assignment',
    'protocol assignment',
  ],
  ['192.0.2.0/24', null, 'documentation', 'documentation', null],
  ['192.31.196.0/24', null, null, null, null],
  ['192.52.193.0/24', null, null, null, null],
  ['192.88.99.0/24', null, 'reserved', 'reserved', null],
  ['192.88.99.2/32', 'reserved', 'reserved', 'reserved', 'reserved'],
  ['192.168.0.0/16', null, 'private', 'private', null],
  ['192.175.48.0/24', null, null, null, null],
  ['198.18.0.0/15', null, 'benchmarking', 'benchmarking', null],
  ['198.51.100.0/24', null, 'documentation', 'documentation', null],
  ['203.0.113.0/24', null, 'documentation', 'documentation', null],
  ['224.0.0.0/4', null, 'multicast', 'multicast', 'reserved'],
  ['240.0.0.0/4', 'multicast', 'reserved', 'reserved', 'none'],
  ['255.255.255.255/32', 'reserved', 'reserved', 'reserved', 'none'],
]

const IPV6: readonly Row[] = [
  ['::/128', 'none', 'this network', 'this network', 'loopback'],
  ['::1/128', 'this network', 'loopback', 'loopback', 'embedded IPv4'],
  ['::ffff:0:0/96', 'reserved', 'embedded IPv4', 'embedded IPv4', 'reserved'],
  ['64:ff9b::/96', 'reserved', 'embedded IPv4', 'embedded IPv4', 'reserved'],
  ['64:ff9b:1::/48', 'reserved', 'embedded IPv4', 'embedded IPv4', 'reserved'],
  ['100::/64', 'reserved', 'reserved', 'reserved', 'reserved'],
  ['100:0:0:1::/64', 'reserved', 'reserved', 'reserved', 'reserved'],
  ['2000::/3', 'reserved', null, null, 'reserved'],
  ['2001::/23', null, 'embedded IPv4', 'protocol assignment', null],
  ['2001::/32', null, 'embedded IPv4', 'embedded IPv4', 'protocol assignment'],
  ['2001:1::1/128', 'protocol assignment', null, null, null],
  ['2001:1::2/128', null, null, null, null],
  ['2001:1::3/128', null, null, null, 'protocol assignment'],
  ['2001:2::/48', 'protocol assignment', 'benchmarking', 'benchmarking', 'protocol assignment'],
  ['2001:3::/32', 'protocol assignment', null, null, 'protocol assignment'],
  ['2001:4:112::/48', 'protocol assignment', null, null, 'protocol assignment'],
  ['2001:10::/28', 'protocol assignment', 'reserved', 'reserved', 'reserved'],
  ['2001:20::/28', 'reserved', 'reserved', 'reserved', 'reserved'],
  ['2001:30::/28', 'reserved', 'reserved', 'reserved', 'protocol assignment'],
  ['2001:db8::/32', null, 'documentation', 'documentation', null],
  ['2002::/16', null, 'embedded IPv4', 'embedded IPv4', null],
  ['2620:4f:8000::/48', null, null, null, null],
  ['3fff::/20', null, 'documentation', 'documentation', null],
  ['5f00::/16', 'reserved', 'reserved', 'reserved', 'reserved'],
  ['fc00::/7', 'reserved', 'private', 'private', 'reserved'],
  ['fe80::/10', 'reserved', 'link-local', 'link-local', 'reserved'],
  ['fec0::/10', 'link-local', 'reserved', 'reserved', 'multicast'],
  ['ff00::/8', 'reserved', 'multicast', 'multicast', 'none'],
]

describe('each entry of the registries of IANA', () => {
  const rules = new AddressRules([])
  for (const [block, ...expected] of [...IPV4, ...IPV6])
    it(`${block}: the addresses before it, first, last and after it`, () => {
      const found = addressesAt(block).map((text) =>
        text === 'none' ? text : rules.refusalOf(text, { own: [], gateways: [] }),
      )
      assert.deepEqual(found, expected, addressesAt(block).join(' '))
    })

  it('is tested here, where the table has it', () => {
    const tested = new Set([...IPV4, ...IPV6].map(([block]) => block))
    const blocks = [...SPECIAL_IPV4, ...SPECIAL_IPV6].map(([block]) => block)
    assert.deepEqual(
      blocks.filter((block) => !tested.has(block)),
      ['::/0'], // what is in no other block; its neighbours are in the rows above
    )
    assert.equal(new Set(blocks).size, blocks.length)
  })
})

/** The text of the addresses before, first, last and after. Reckons with one large number, not as the product does. */
function addressesAt(block: string): string[] {
  const { first: bytes, bits } = parseBlock(block) ?? assert.fail(`${block} is not a block`)
  const length = BigInt(bytes.length * 8)
  const first = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  const last = first + (1n << (length - BigInt(bits))) - 1n
  return [first - 1n, first, last, last + 1n].map((value) => {
    if (value < 0n || value >> length > 0n) return 'none'
    const digits = value.toString(16).padStart(bytes.length * 2, '0')
    return formatAddress(Buffer.from(digits, 'hex'))
  })
}

import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatAddress, isInBlock, parseAddress, parseBlock } from './address-bytes.ts'
import { AddressRules, embeddedIPv4, kindOf, uselessEntry } from './addresses.ts'
import { METADATA, SPECIAL_IPV4, SPECIAL_IPV6 } from './special-addresses.ts'

const NOTHING_OWN = { own: [], gateways: [] }

function refusalOf(address: string, allowed: readonly string[] = [], local = NOTHING_OWN as Local) {
  return new AddressRules(allowed).refusalOf(address, local)
}

type Local = Parameters<AddressRules['refusalOf']>[1]

describe('the text of an address', () => {
  const BAD = [
    '',
    '1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '127.0.0.01',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '1.2.3.4.',
    '1..3.4',
    '+1.2.3.4',
    '１.2.3.4',
    ':::',
    '::1%lo',
    'fe80::1%eth0',
    '[::1]',
    '1::2::3',
    '::ffff:127.1',
    '::ffff:0177.0.0.1',
    '12345::',
    'example.org',
  ]
  for (const text of BAD)
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parseAddress(text), undefined)
      assert.equal(refusalOf(text, ['0.0.0.0/0', '::/0']), 'not an address')
    })

  it('of IPv4 is read as the system reads it', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        assert.ok(isIPv4(text))
        assert.equal(formatAddress(parseAddress(text) ?? new Uint8Array()), text)
      }),
    )
  })

  it('of IPv6 is read and written as a URL has it', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        assert.ok(isIPv6(text))
        assert.equal(
          `[${formatAddress(parseAddress(text) ?? new Uint8Array())}]`,
          new URL(`http://[${text}]`).hostname,
        )
      }),
    )
    for (const text of [
      '::',
      '::1',
      '1::',
      '1::8',
      '0:0:1::',
      '::ffff:1.2.3.4',
      'a:0:0:1:0:0:0:b',
      '1:0:2:0:3:0:4:0',
    ])
      assert.equal(
        `[${formatAddress(parseAddress(text) ?? new Uint8Array())}]`,
        new URL(`http://[${text}]`).hostname,
      )
  })
})

describe('a block of addresses', () => {
  for (const text of [
    '10.0.0.0',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.1.0.0/8',
    '::/129',
    'fd00::1/64',
    '10.0.0.0/-1',
    '/8',
    '10.0.0.0/',
    '10/8',
    '10.0.0.0/8/8',
    '::ffff:10.1.2.3%1/128',
  ])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseBlock(text), undefined))

  it('has the addresses with the same first bits, for each length', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 4, maxLength: 4 }),
        fc.nat(32),
        fc.nat(31),
        (bytes, bits, flipped) => {
          const masked = bytes.map(
            (byte, i) => byte & ((0xff << (8 - Math.min(Math.max(bits - 8 * i, 0), 8))) & 0xff),
          )
          const block = parseBlock(`${formatAddress(masked)}/${bits}`)
          assert.ok(block)
          assert.ok(isInBlock(block, bytes))
          const other = bytes.map((byte, i) => (i === flipped >> 3 ? byte ^ (0x80 >> (flipped & 7)) : byte))
          assert.equal(isInBlock(block, other), flipped >= bits)
        },
      ),
    )
  })

  it('of IPv4 has no address of IPv6, nor the other way round', () => {
    assert.equal(refusalOf('fd00::1', ['0.0.0.0/0']), 'private')
    assert.equal(refusalOf('10.0.0.1', ['::/0']), 'private')
  })
})

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'this network': ['0.0.0.0', '0.0.0.1', '0.255.255.255', '::'],
  loopback: ['127.0.0.0', '127.0.0.1', '127.255.255.255', '::1'],
  'link-local': [
    '169.254.0.0',
    '169.254.255.255',
    'fe80::',
    'fe80::1',
    'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ],
  private: [
    '10.0.0.0',
    '10.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.0',
    '192.168.255.255',
    'fc00::',
    'fd00::1',
    'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ],
  shared: ['100.64.0.0', '100.127.255.255'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff00::', 'ff02::1', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  reserved: [
    '192.88.99.1',
    '240.0.0.0',
    '255.255.255.255',
    '100::',
    '100::ffff',
    '100:0:0:1::5',
    '2001:10::',
    '2001:1f:ffff::',
    '2001:20::1',
    '2001:2f:ffff::',
    '2001:30::1',
    '5f00::1',
    'fec0::1',
    '1fff:ffff::1',
    '4000::',
    '8000::1',
    'fbff::1',
    'fe00::1',
    '200::1',
  ],
  documentation: [
    '192.0.2.0',
    '192.0.2.255',
    '198.51.100.7',
    '203.0.113.255',
    '2001:db8::',
    '2001:db8:ffff::1',
    '3fff::',
    '3fff:fff:ffff::',
  ],
  benchmarking: ['198.18.0.0', '198.19.255.255', '2001:2::', '2001:2:0:ffff::'],
  'protocol assignment': [
    '192.0.0.0',
    '192.0.0.8',
    '192.0.0.11',
    '192.0.0.170',
    '192.0.0.255',
    '2001:1::',
    '2001:1::4',
    '2001:2:1::',
    '2001:1ff:ffff::',
  ],
  'embedded IPv4': [
    '::ffff:93.184.216.34',
    '::ffff:127.0.0.1',
    '::ffff:0:93.184.216.34',
    '::ffff:0:127.0.0.1',
    '64:ff9b::93.184.216.34',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::1',
    '64:ff9b:1:ffff:ffff:ffff:ffff:ffff',
    '2002:5db8:d822::',
    '2002:7f00:1::1',
    '2001::',
    '2001:0:ffff:ffff:ffff:ffff:ffff:ffff',
    '::93.184.216.34',
    '::127.0.0.1',
    '::2',
    '2606:2800::5efe:7f00:1',
    '2606:2800::200:5efe:a00:1',
  ],
  metadata: [...METADATA, 'FD00:EC2::254', 'fd00:0ec2:0:0:0:0:0:254'],
}

const GLOBAL = [
  '1.1.1.1',
  '9.255.255.255',
  '11.0.0.0',
  '93.184.216.34',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '191.255.255.255',
  '192.0.0.9',
  '192.0.0.10',
  '192.0.1.0',
  '192.0.3.0',
  '192.31.196.1',
  '192.52.193.1',
  '192.88.98.255',
  '192.88.100.0',
  '192.167.255.255',
  '192.169.0.0',
  '192.175.48.1',
  '198.17.255.255',
  '198.20.0.0',
  '198.51.99.255',
  '198.51.101.0',
  '203.0.112.255',
  '203.0.114.0',
  '223.255.255.255',
  '168.63.129.15',
  '2000::',
  '2001:1::1',
  '2001:1::2',
  '2001:1::3',
  '2001:3::1',
  '2001:4:112::1',
  '2001:200::',
  '2001:db7:ffff::',
  '2001:db9::',
  '2003::1',
  '2606:2800:220:1:248:1893:25c8:1946',
  '2620:4f:8000::1',
  '3ffe:ffff::',
  '3fff:1000::',
  '2606:2800::1:5efe:7f00:1',
]

describe('without allowAddresses', () => {
  for (const [kind, addresses] of Object.entries(REFUSED))
    for (const address of addresses)
      it(`${address} is refused: ${kind}`, () => assert.equal(refusalOf(address), kind))

  for (const address of GLOBAL) it(`${address} may be dialled`, () => assert.equal(refusalOf(address), null))

  it('the first and last address of each block in the registries is of its kind, unless a longer block has it', () => {
    for (const [text, kind] of [...SPECIAL_IPV4, ...SPECIAL_IPV6]) {
      const block = parseBlock(text)
      assert.ok(block, text)
      const last = block.first.map((byte, i) => byte | (0xff >> Math.min(Math.max(block.bits - 8 * i, 0), 8)))
      const isElsewhere = (address: Uint8Array) =>
        [...SPECIAL_IPV4, ...SPECIAL_IPV6].some(([other]) => {
          const longer = parseBlock(other)
          return longer !== undefined && longer.bits > block.bits && isInBlock(longer, address)
        })
      for (const address of [block.first, last])
        if (!isElsewhere(address)) assert.equal(kindOf(address), kind, text)
    }
  })

  it('any IPv6 address outside 2000::/3 is refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const isGlobal = ((bytes[0] ?? 0) & 0xe0) === 0x20
        if (!isGlobal) assert.notEqual(refusalOf(formatAddress(bytes)), null)
      }),
    )
  })

  it('every IPv4 address in a form that embeds it is refused', () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        for (const prefix of ['::ffff:', '::ffff:0:', '64:ff9b::', '64:ff9b:1::'])
          assert.equal(refusalOf(`${prefix}${text}`), 'embedded IPv4')
      }),
    )
  })
})

describe('allowAddresses', () => {
  it('opens a range of each kind', () => {
    assert.equal(refusalOf('10.1.2.3', ['10.0.0.0/8']), null)
    assert.equal(refusalOf('11.1.2.3', ['10.0.0.0/8']), null)
    assert.equal(refusalOf('172.20.0.2', ['10.0.0.0/8']), 'private')
    assert.equal(refusalOf('fd12::1', ['fd12::/16']), null)
    assert.equal(refusalOf('fd13::1', ['fd12::/16']), 'private')
    assert.equal(refusalOf('169.254.1.1', ['169.254.0.0/16']), null)
    assert.equal(refusalOf('100.64.0.1', ['100.64.0.0/10']), null)
  })

  for (const address of METADATA) {
    const bits = address.includes(':') ? 128 : 32
    it(`opens the metadata address ${address} only alone`, () => {
      assert.equal(refusalOf(address, ['0.0.0.0/0', '::/0', '169.254.0.0/16', 'fe80::/10']), 'metadata')
      assert.equal(refusalOf(address, [`${address}/${bits}`]), null)
    })
  }

  for (const [address, kind] of [
    ['127.0.0.1', 'loopback'],
    ['127.0.0.53', 'loopback'],
    ['0.0.0.0', 'this network'],
    ['::1', 'loopback'],
    ['::', 'this network'],
  ] as const)
    it(`opens ${address} only alone`, () => {
      assert.equal(refusalOf(address, ['0.0.0.0/0', '::/0', '127.0.0.0/8', '127.0.0.0/31', '::/127']), kind)
      assert.equal(refusalOf(address, [`${address}/${address.includes(':') ? 128 : 32}`]), null)
    })

  it('opens own addresses and the gateway only alone, however they are written', () => {
    const local = {
      own: ['10.0.0.5', '93.184.216.34', 'FD00:0::5', 'fe80::5%eth0'],
      gateways: ['10.0.0.1', 'fd00::1'],
    }
    const all = ['0.0.0.0/0', '::/0']
    assert.equal(refusalOf('10.0.0.5', all, local), 'own address')
    assert.equal(refusalOf('93.184.216.34', [], local), 'own address')
    assert.equal(refusalOf('fd00::5', all, local), 'own address')
    assert.equal(refusalOf('fe80::5', all, local), 'own address')
    assert.equal(refusalOf('10.0.0.1', all, local), 'gateway')
    assert.equal(refusalOf('fd00::1', all, local), 'gateway')
    assert.equal(refusalOf('10.0.0.2', all, local), null)
    assert.equal(refusalOf('10.0.0.5', ['10.0.0.5/32'], local), null)
    assert.equal(refusalOf('10.0.0.1', ['10.0.0.1/32'], local), null)
    assert.equal(refusalOf('fd00::1', ['fd00::1/128'], local), null)
  })

  it('does not open an embedded address that is not open itself', () => {
    const local = { own: ['10.0.0.5'], gateways: [] }
    const all = ['::/0', '10.0.0.0/8', '64:ff9b:1::/96']
    for (const prefix of ['::ffff:', '::ffff:0:', '64:ff9b::', '64:ff9b:1::', '::']) {
      assert.equal(refusalOf(`${prefix}127.0.0.1`, all), 'loopback', prefix)
      assert.equal(refusalOf(`${prefix}169.254.169.254`, all), 'metadata', prefix)
      assert.equal(refusalOf(`${prefix}192.168.0.1`, all), 'private', prefix)
      assert.equal(refusalOf(`${prefix}10.0.0.5`, all, local), 'own address', prefix)
      assert.equal(refusalOf(`${prefix}10.0.0.6`, all, local), null, prefix)
      assert.equal(refusalOf(`${prefix}93.184.216.34`, all), null, prefix)
    }
    assert.equal(refusalOf('2002:7f00:1::', ['2002::/16']), 'loopback')
    assert.equal(refusalOf('2001:0:1:2:3:4:80ff:fffe', ['2001::/32']), 'loopback')
    assert.equal(refusalOf('2606:2800::5efe:7f00:1', ['2606:2800::/32']), 'loopback')
  })

  it('opens NAT64 of the network itself only as /96, whose form is known', () => {
    assert.equal(refusalOf('64:ff9b:1::93.184.216.34', ['64:ff9b:1::/48']), 'embedded IPv4')
    assert.equal(refusalOf('64:ff9b:1::93.184.216.34', ['64:ff9b:1::/96']), null)
  })

  it('with an entry that could open nothing is a mistake', () => {
    for (const text of ['127.0.0.0/8', '127.1.0.0/16', '0.0.0.0/8', '0.0.0.0/31'])
      assert.match(uselessEntry(text) ?? '', /opens nothing.* such as 127\.0\.0\.1\/32/, text)
    for (const text of ['127.0.0.1/32', '0.0.0.0/0', '::/0', '10.0.0.0/8', '::1/128'])
      assert.equal(uselessEntry(text), undefined, text)
  })
})

describe('the IPv4 address that an IPv6 address embeds', () => {
  for (const [text, inner] of [
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::ffff:0:1.2.3.4', '1.2.3.4'],
    ['::1.2.3.4', '1.2.3.4'],
    ['64:ff9b::1.2.3.4', '1.2.3.4'],
    ['2002:102:304::5', '1.2.3.4'],
    ['2001:0:5:6:7:8:fefd:fcfb', '1.2.3.4'],
    ['2606::5efe:102:304', '1.2.3.4'],
  ] as const)
    it(`of ${text} is ${inner}`, () => {
      const found = embeddedIPv4(parseAddress(text) ?? new Uint8Array())
      assert.equal(found && formatAddress(found), inner)
    })

  for (const text of ['1.2.3.4', '::', '::1', '2606::1', 'fd00::1'])
    it(`is none in ${text}`, () =>
      assert.equal(embeddedIPv4(parseAddress(text) ?? new Uint8Array()), undefined))
})

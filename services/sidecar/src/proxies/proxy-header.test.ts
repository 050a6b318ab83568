import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatAddress } from '../egress/address-bytes.ts'
import { addressesOf, headerOf, LOCAL_HEADER, proxyHeader, withChecksum } from '../testing/proxy-headers.ts'
import { crc32c, MAX_HEADER_BYTES, parseProxyHeader } from './proxy-header.ts'

/** The source and the length of a whole header, or what the parser says instead. */
function read(bytes: Buffer) {
  const header = parseProxyHeader(bytes)
  if (header === null || typeof header === 'string') return header
  return { source: header.source && formatAddress(header.source), length: header.length }
}

/** Written by hand from the specification: 192.0.2.7:56324 to 192.0.2.1:443. */
const BY_HAND = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c0000201dc0401bb', 'hex')

const WHOLE = [
  ['IPv4', proxyHeader('192.0.2.7'), '192.0.2.7'],
  ['IPv6', proxyHeader('2001:db8::7'), '2001:db8::7'],
  ['IPv4 in the form of IPv6', proxyHeader('::ffff:192.0.2.7'), '192.0.2.7'],
  ['bytes that were written by hand', BY_HAND, '192.0.2.7'],
  ['a checksum', withChecksum('192.0.2.7'), '192.0.2.7'],
  [
    'extensions',
    proxyHeader('192.0.2.7', [
      [4, Buffer.alloc(9)],
      [0x20, Buffer.from('abc')],
      [0xe0, Buffer.alloc(0)],
    ]),
    '192.0.2.7',
  ],
  ['a Unix socket', headerOf({ family: 0x31, addresses: Buffer.alloc(216, 'a') }), null],
  ['UDP', headerOf({ family: 0x12, addresses: addressesOf('192.0.2.7') }), null],
  ['an unspecified family', headerOf({ family: 0 }), null],
  [
    'an unspecified family with bytes that mean nothing',
    headerOf({ family: 0, addresses: Buffer.alloc(7, 3) }),
    null,
  ],
  ['an unspecified protocol', headerOf({ family: 0x10, addresses: addressesOf('192.0.2.7') }), null],
  ['a connection of the proxy itself', LOCAL_HEADER, null],
  [
    'the same with addresses, which do not count',
    headerOf({ command: 0x20, family: 0x11, addresses: addressesOf('192.0.2.7') }),
    null,
  ],
  [
    'the same with a family that does not exist',
    headerOf({ command: 0x20, family: 0xff, addresses: Buffer.alloc(3) }),
    null,
  ],
] as const

describe('a PROXY header', () => {
  for (const [what, bytes, source] of WHOLE)
    it(`with ${what} is read, and what follows it is left`, () => {
      const whole = { source, length: bytes.length }
      assert.deepEqual(read(bytes), whole)
      assert.deepEqual(read(Buffer.concat([bytes, Buffer.from('GET /')])), whole)
      assert.deepEqual(read(Buffer.concat([bytes, bytes])), whole)
    })

  for (const [what, bytes] of WHOLE)
    it(`with ${what} is incomplete at every byte before its end`, () => {
      for (let end = 0; end < bytes.length; end++) assert.equal(read(bytes.subarray(0, end)), null, `${end}`)
    })

  it('has a signature whose every byte counts, and is refused at the first other one', () => {
    for (let at = 0; at < 12; at++)
      for (let byte = 0; byte < 256; byte++) {
        if (byte === BY_HAND[at]) continue
        const changed = Buffer.from(BY_HAND).fill(byte, at, at + 1)
        const expected = at === 0 && byte === 0x50 ? ['missing', null] : ['missing', 'missing']
        assert.deepEqual([read(changed), read(changed.subarray(0, at + 1))], expected, `${at} ${byte}`)
      }
  })

  it('has version 2, one of two commands, and a family and protocol that are assigned', () => {
    for (let byte = 0; byte < 256; byte++) {
      const command = read(Buffer.from(BY_HAND).fill(byte, 12, 13))
      assert.equal(command === 'malformed', byte !== 0x20 && byte !== 0x21, `command ${byte}`)
      const family = read(headerOf({ family: byte, addresses: Buffer.alloc(216) }))
      assert.equal(family === 'malformed', byte >> 4 > 3 || (byte & 15) > 2, `family ${byte}`)
    }
    assert.equal(read(Buffer.from(BY_HAND).fill(0x31, 12, 13).subarray(0, 13)), 'malformed')
    assert.equal(read(Buffer.from(BY_HAND).fill(0x41, 13, 14).subarray(0, 14)), 'malformed')
  })

  it('is refused when its length has no room for its addresses', () => {
    for (const [family, least] of [
      [0x11, 12],
      [0x12, 12],
      [0x21, 36],
      [0x22, 36],
      [0x31, 216],
      [0x32, 216],
    ] as const) {
      const addresses = Buffer.alloc(least)
      assert.equal(typeof read(headerOf({ family, addresses })), 'object')
      assert.equal(read(headerOf({ family, addresses, length: least - 1 })), 'malformed')
      assert.equal(read(headerOf({ family, addresses, length: 0 })), 'malformed')
    }
  })

  it(`is refused when it says that it has more than ${MAX_HEADER_BYTES} bytes, before they come`, () => {
    const most = MAX_HEADER_BYTES - 16
    assert.equal(typeof read(headerOf({ family: 0, addresses: Buffer.alloc(most) })), 'object')
    assert.equal(read(headerOf({ family: 0, length: most + 1 })), 'too_long')
    assert.equal(read(headerOf({ command: 0x20, family: 0, length: 65_535 })), 'too_long')
  })

  it('is refused when an extension ends after it, or a checksum is wrong, twice there or not of four bytes', () => {
    const addresses = addressesOf('192.0.2.7')
    const cut = (bytes: number[]) =>
      read(headerOf({ family: 0x11, addresses: Buffer.concat([addresses, Buffer.from(bytes)]) }))
    for (const bytes of [[4], [4, 0], [4, 0, 1], [4, 1, 0, 7], [4, 0, 0, 4]])
      assert.equal(cut(bytes), 'malformed', `${bytes}`)
    assert.equal(read(withChecksum('192.0.2.7', true)), 'checksum')
    assert.equal(read(proxyHeader('192.0.2.7', [[3, Buffer.alloc(3)]])), 'malformed')
    assert.equal(read(proxyHeader('192.0.2.7', [[3, Buffer.alloc(5)]])), 'malformed')
    const twice = withChecksum('192.0.2.7')
    assert.equal(
      read(
        proxyHeader('192.0.2.7', [
          [3, twice.subarray(-4)],
          [3, twice.subarray(-4)],
        ]),
      ),
      'malformed',
    )
  })

  it('of version 1 is told apart from none at all', () => {
    assert.equal(read(Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n')), 'version_1')
    assert.equal(read(Buffer.from('PROXY ')), 'version_1')
    for (const text of ['P', 'PROX', 'PROXY']) assert.equal(read(Buffer.from(text)), null, text)
    for (const text of [
      'PO',
      'PROXYTCP4',
      'proxy TCP4',
      'GET / HTTP/1.1\r\n',
      '\x16\x03\x01',
      '\r\n\r\nGET',
      '\n',
    ])
      assert.equal(read(Buffer.from(text, 'latin1')), 'missing', text)
  })

  it('with any one bit changed is never read with another address and a right checksum', () => {
    const bytes = withChecksum('192.0.2.7')
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const header = read(changed)
      const source = header !== null && typeof header === 'object' ? header.source : null
      assert.ok(source === null || source === '192.0.2.7', `bit ${bit}: ${source}`)
    }
  })

  it('of any bytes ends in a header within them, a reason, or a wait', () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(fc.nat(255), fc.nat(255), fc.nat(600), fc.uint8Array({ maxLength: 300 }))
        .map(([command, family, length, addresses]) => headerOf({ command, family, length, addresses })),
    )
    fc.assert(
      fc.property(some, (bytes) => {
        const header = parseProxyHeader(bytes)
        if (header === null || typeof header === 'string') return true
        assert.ok(header.length >= 16 && header.length <= bytes.length)
        for (let end = 0; end < header.length; end++)
          assert.equal(parseProxyHeader(bytes.subarray(0, end)), null)
        return true
      }),
    )
  })
})

describe('CRC-32C', () => {
  it('is that of RFC 3720 appendix B.4', () => {
    assert.equal(crc32c(Buffer.from('123456789')), 0xe306_9283)
    assert.equal(crc32c(Buffer.alloc(32)), 0x8a91_36aa)
    assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8_ab43)
  })
})

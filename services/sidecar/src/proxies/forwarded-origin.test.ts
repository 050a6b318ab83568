import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import type { ForwardedField } from './forwarded-elements.ts'
import { ForwardedOrigin, forwardedFieldOf } from './forwarded-origin.ts'

const PEER = { address: '10.0.0.1', uid: undefined }
const TRUSTED = ['10.0.0.0/8', 'fd00::/8', 'unix']

function originOf(
  field: ForwardedField,
  lines: readonly string[],
  caller: { address?: string; uid: number | undefined } = PEER,
) {
  const bytes = Buffer.from(['GET / HTTP/1.1', 'Host: a', ...lines, '', ''].join('\r\n'), 'latin1')
  const head = new RequestHead()
  const rules = { maxFields: 1_024, passFields: new Set<string>() }
  assert.equal(parseRequestHead(head, bytes, 0, bytes.length, rules), bytes.length)
  return new ForwardedOrigin(field, TRUSTED).of(caller, head, bytes)
}

const xff = (...values: string[]) =>
  originOf(
    'x-forwarded-for',
    values.map((value) => `X-Forwarded-For: ${value}`),
  )
const forwarded = (...values: string[]) =>
  originOf(
    'forwarded',
    values.map((value) => `Forwarded: ${value}`),
  )

describe('X-Forwarded-For of a trusted proxy', () => {
  for (const [value, client, chain] of [
    ['203.0.113.7', '203.0.113.7', '203.0.113.7, 10.0.0.1'],
    ['203.0.113.7, 10.0.0.9', '203.0.113.7', '203.0.113.7, 10.0.0.9, 10.0.0.1'],
    ['203.0.113.7,10.0.0.9', '203.0.113.7', '203.0.113.7, 10.0.0.9, 10.0.0.1'],
    ['  203.0.113.7 \t,\t10.0.0.9  ', '203.0.113.7', '203.0.113.7, 10.0.0.9, 10.0.0.1'],
    ['1.1.1.1, 203.0.113.7', '203.0.113.7', '203.0.113.7, 10.0.0.1'],
    ['10.0.0.66, 203.0.113.7, 10.0.0.9', '203.0.113.7', '203.0.113.7, 10.0.0.9, 10.0.0.1'],
    ['127.0.0.1, 203.0.113.7', '203.0.113.7', '203.0.113.7, 10.0.0.1'],
    ['10.0.0.8, 10.0.0.9', '10.0.0.8', '10.0.0.8, 10.0.0.9, 10.0.0.1'],
    ['203.0.113.7:5678', '203.0.113.7', '203.0.113.7, 10.0.0.1'],
    ['2001:db8::1', '2001:db8::1', '2001:db8::1, 10.0.0.1'],
    ['2001:DB8:0::1', '2001:db8::1', '2001:db8::1, 10.0.0.1'],
    ['[2001:db8::1]', '2001:db8::1', '2001:db8::1, 10.0.0.1'],
    ['[2001:db8::1]:4711', '2001:db8::1', '2001:db8::1, 10.0.0.1'],
    ['::ffff:203.0.113.7', '203.0.113.7', '203.0.113.7, 10.0.0.1'],
    ['203.0.113.7, ::ffff:10.0.0.9', '203.0.113.7', '203.0.113.7, 10.0.0.9, 10.0.0.1'],
    ['203.0.113.7, fd00::9', '203.0.113.7', '203.0.113.7, fd00::9, 10.0.0.1'],
    ['203.0.113.7, , ,10.0.0.9,', '203.0.113.7', '203.0.113.7, 10.0.0.9, 10.0.0.1'],
    ['203.0.113.7, unknown', null, '10.0.0.1'],
    ['203.0.113.7, unknown, 10.0.0.9', '10.0.0.9', '10.0.0.9, 10.0.0.1'],
    ['', null, '10.0.0.1'],
    [' , ,', null, '10.0.0.1'],
  ] as const)
    it(`${JSON.stringify(value)} says that the client is ${client}`, () => {
      assert.deepEqual(xff(value), { client, chain, scheme: null })
    })

  for (const value of [
    ...[
      'unknown',
      '_hidden',
      'localhost',
      'example.org',
      '"203.0.113.7"',
      'for=203.0.113.7',
      '203.0.113.7;a',
    ],
    ...[
      '203.0.113',
      '203.0.113.256',
      '203.0.113.07',
      '0x7f.0.0.1',
      '2130706433',
      '1.2.3.4.5',
      '203.0.113.7/32',
    ],
    ...[
      '203.0.113.7:',
      '203.0.113.7:65536',
      '203.0.113.7:123456',
      '203.0.113.7:_a',
      '203.0.113.7 5',
      '203.0.113.7:80:80',
    ],
    ...[
      'fe80::1%eth0',
      '[fe80::1%25eth0]',
      '[2001:db8::1',
      '2001:db8::1]',
      '[203.0.113.7]',
      '[]',
      '::g',
      ':',
      '2001:db8::1::',
    ],
    ...['203.0.113.7\x80', '\xa0203.0.113.7', '-', '*'],
  ])
    it(`${JSON.stringify(value)} is no IP address, and ends the walk`, () => {
      assert.deepEqual(xff(`198.51.100.1, ${value}`), { client: null, chain: '10.0.0.1', scheme: null })
      assert.deepEqual(xff(`198.51.100.1, ${value}, 10.0.0.9`).client, '10.0.0.9')
    })

  it('in several lines is one list, in their order', () => {
    assert.equal(xff('198.51.100.1', '203.0.113.7').client, '203.0.113.7')
    assert.equal(xff('203.0.113.7', '10.0.0.9', '').client, '203.0.113.7')
    assert.equal(
      xff('198.51.100.1, 203.0.113.7', '10.0.0.8, 10.0.0.9').chain,
      '203.0.113.7, 10.0.0.8, 10.0.0.9, 10.0.0.1',
    )
    assert.equal(xff('203.0.113.7', 'unknown').client, null)
  })

  it('is read under this name alone, in any case', () => {
    const one = (line: string) => originOf('x-forwarded-for', [line]).client
    assert.equal(one('x-FORWARDED-for: 203.0.113.7'), '203.0.113.7')
    for (const name of [
      'X_Forwarded_For',
      'X-Forwarded_For',
      'X-Forwarded',
      'X-Forwarded-For-',
      'X-Forwarded-Fo',
      'Forwarded',
      'Forwarded-For',
      'X-Real-IP',
    ])
      assert.equal(one(`${name}: 203.0.113.7`), null, name)
  })

  it('with thousands of entries is read from its end, within bounds', () => {
    const spoofed = Array.from({ length: 10_000 }, (_, i) => `198.51.${i >> 8}.${i & 255}`).join(',')
    assert.deepEqual(xff(`${spoofed}, 203.0.113.7, 10.0.0.9`).chain, '203.0.113.7, 10.0.0.9, 10.0.0.1')
    const { chain, client } = xff(Array.from({ length: 10_000 }, () => '10.0.0.9').join(','))
    assert.equal(chain.split(', ').length, 33)
    assert.equal(client, '10.0.0.9')
    assert.equal(xff(`203.0.113.7${','.repeat(9_000)}`).client, null)
    assert.equal(xff(`203.0.113.7${','.repeat(8_000)}`).client, '203.0.113.7')
    assert.equal(xff('203.0.113.7', ','.repeat(9_000)).client, null)
    assert.equal(xff('203.0.113.7', ','.repeat(5_000), ','.repeat(5_000)).client, null)
    assert.equal(xff('203.0.113.7', ','.repeat(4_000), ','.repeat(4_000)).client, '203.0.113.7')
  })

  it('that is cut by the bound has no first entry', () => {
    const tail = ',10.0.0.9'.repeat(3)
    const cutAt = (missing: number) =>
      xff(`1203.0.113.7${tail}${','.repeat(8_192 - tail.length - '1203.0.113.7'.length + missing)}`)
    assert.equal(cutAt(1).client, '10.0.0.9')
  })

  it('of a proxy on a Unix socket is continued without it: it has no address', () => {
    const lines = ['X-Forwarded-For: 203.0.113.7, 10.0.0.9']
    assert.deepEqual(originOf('x-forwarded-for', lines, { uid: 5 }).chain, '203.0.113.7, 10.0.0.9')
    assert.deepEqual(originOf('x-forwarded-for', [], { uid: 5 }), { client: null, chain: '', scheme: null })
  })

  it('never names an address that stands left of one that is not trusted', () => {
    const address = fc.constantFrom('10.0.0.9', 'fd00::9', '203.0.113.7', '198.51.100.1', 'unknown', '')
    fc.assert(
      fc.property(fc.array(address, { maxLength: 12 }), (entries) => {
        const isTrusted = (text: string) => text.startsWith('10.') || text.startsWith('fd00:')
        const list = entries.filter((text) => text !== '').toReversed()
        const stop = list.findIndex((text) => !isTrusted(text))
        const seen = stop < 0 ? list : list.slice(0, list[stop] === 'unknown' ? stop : stop + 1)
        assert.equal(xff(entries.join(', ')).client, seen.at(-1) ?? null)
      }),
    )
  })
})

describe('Forwarded of a trusted proxy', () => {
  for (const [value, client, scheme] of [
    ['for=203.0.113.7', '203.0.113.7', null],
    ['For=203.0.113.7;Proto=HTTPS', '203.0.113.7', 'https'],
    ['for=203.0.113.7; proto=http; by=10.0.0.1', '203.0.113.7', 'http'],
    ['by=_a;proto=https;for=203.0.113.7;host="a,b;c=\\"d"', '203.0.113.7', 'https'],
    ['for="203.0.113.7"', '203.0.113.7', null],
    ['for="203.0.113.7:5678"', '203.0.113.7', null],
    ['for="203.0.113.7:_port"', '203.0.113.7', null],
    ['for="[2001:db8::1]"', '2001:db8::1', null],
    ['for="[2001:db8::1]:4711"', '2001:db8::1', null],
    ['for="[2001:DB8::1]:_x"', '2001:db8::1', null],
    ['for="\\2\\03.0.113.7"', '203.0.113.7', null],
    ['for="[::ffff:203.0.113.7]"', '203.0.113.7', null],
    ['for=198.51.100.1, for=203.0.113.7', '203.0.113.7', null],
    ['for=198.51.100.1;proto=https, for=203.0.113.7;proto=http', '203.0.113.7', 'http'],
    ['for=203.0.113.7;proto=https, for=10.0.0.9;proto=http', '203.0.113.7', 'https'],
    ['for=203.0.113.7;proto=https,for=10.0.0.9', '203.0.113.7', 'https'],
    [';for=203.0.113.7;;', '203.0.113.7', null],
    ['for=203.0.113.7,,', '203.0.113.7', null],
    ['for="x, for=198.51.100.1", for=203.0.113.7', '203.0.113.7', null],
    ['for="unbalanced, for=203.0.113.7', '203.0.113.7', null],
    ['for=203.0.113.7;proto=gopher', '203.0.113.7', null],
    ['for=unknown;proto=https', null, 'https'],
    ['for=203.0.113.7, for=_hidden, for=10.0.0.9', '10.0.0.9', null],
  ] as const)
    it(`${value} says that the client is ${client}${scheme === null ? '' : `, by ${scheme}`}`, () => {
      const origin = forwarded(value)
      assert.deepEqual([origin.client, origin.scheme], [client, scheme])
    })

  for (const value of [
    ...[
      'for=unknown',
      'for=_hidden',
      'for=',
      'for',
      '203.0.113.7',
      'proto=https',
      'for=203.0.113.7:80',
      'for=[2001:db8::1]',
    ],
    ...[
      'for="2001:db8::1"',
      'for=2001:db8::1',
      'for="[203.0.113.7]"',
      'for="[fe80::1%eth0]"',
      'for="203.0.113.7:65536"',
      'for="203.0.113.7:"',
    ],
    ...[
      'for=203.0.113.7;for=203.0.113.8',
      'for=203.0.113.7;proto=http;PROTO=https',
      'for =203.0.113.7',
      'for= 203.0.113.7',
      'for=203.0.113.7 proto=http',
    ],
    ...[
      'for=203.0.113.7"',
      'for="203.0.113.7',
      'for="203.0.113.7\\"',
      'for=203.0.113.7;x="a',
      "for='203.0.113.7'",
      'for="203.0.113.7"x',
    ],
  ])
    it(`${value} is no IP address, and ends the walk`, () => {
      assert.equal(forwarded(value).client, null)
      assert.equal(forwarded(`for=198.51.100.1, ${value}, for=10.0.0.9`).client, '10.0.0.9')
    })

  it('in several lines is one list, and a line that is not valid does not hide those after it', () => {
    assert.equal(forwarded('for=198.51.100.1', 'for=203.0.113.7').client, '203.0.113.7')
    assert.equal(forwarded('for="open', 'for=203.0.113.7, for=10.0.0.9').client, '203.0.113.7')
    assert.equal(forwarded('for=203.0.113.7', 'for="open', 'for=10.0.0.9').client, '10.0.0.9')
  })

  it('with thousands of elements, or quotes and backslashes, is read within bounds', () => {
    const spoofed = Array.from({ length: 10_000 }, () => 'for=198.51.100.1').join(',')
    assert.equal(forwarded(`${spoofed}, for=203.0.113.7`).client, '203.0.113.7')
    for (const text of ['"', '\\', '\\"', '"\\', ',"', ';', 'a=b;', '\\"\\'])
      assert.equal(
        forwarded(`${text.repeat(30_000 / text.length)}, for=203.0.113.7`).client,
        '203.0.113.7',
        text,
      )
  })

  it('of any text is read without a fault, and what a proxy appends is found', () => {
    const text = fc.string({
      unit: fc.constantFrom('"', '\\', ',', ';', '=', 'for=', '203.0.113.9', ' ', 'a'),
      maxLength: 40,
    })
    fc.assert(fc.property(text, (said) => forwarded(`${said}, for=203.0.113.7`).client === '203.0.113.7'))
  })
})

describe('the field that is configured', () => {
  const both = [
    'X-Forwarded-For: 198.51.100.1',
    'Forwarded: for=203.0.113.7;proto=https',
    'X-Forwarded-Proto: http',
  ]

  it('is read, and never the other one', () => {
    assert.deepEqual(originOf('x-forwarded-for', both), {
      client: '198.51.100.1',
      chain: '198.51.100.1, 10.0.0.1',
      scheme: 'http',
    })
    assert.deepEqual(originOf('forwarded', both), {
      client: '203.0.113.7',
      chain: '203.0.113.7, 10.0.0.1',
      scheme: 'https',
    })
    assert.equal(originOf('x-forwarded-for', both.slice(1)).client, null)
    assert.deepEqual(originOf('forwarded', [both[0] ?? '', both[2] ?? '']), {
      client: null,
      chain: '10.0.0.1',
      scheme: null,
    })
  })

  it('is X-Forwarded-For unless the route says otherwise; with proxyProtocol none', () => {
    const trustedProxies = ['unix']
    assert.equal(forwardedFieldOf({}), undefined)
    assert.equal(forwardedFieldOf({ trustedProxies }), 'x-forwarded-for')
    assert.equal(forwardedFieldOf({ trustedProxies, proxyProtocol: 'off' }), 'x-forwarded-for')
    assert.equal(forwardedFieldOf({ trustedProxies, proxyProtocol: 'v2' }), undefined)
    assert.equal(
      forwardedFieldOf({ trustedProxies, proxyProtocol: 'v2', forwardedField: 'forwarded' }),
      'forwarded',
    )
  })
})

describe('X-Forwarded-Proto of a trusted proxy', () => {
  const scheme = (...lines: string[]) =>
    originOf(
      'x-forwarded-for',
      lines.map((line) => `X-Forwarded-Proto: ${line}`),
    ).scheme

  it('is one of http, https, ws and wss', () => {
    assert.deepEqual(
      ['http', 'https', 'HTTPS', 'ws', 'wss'].map((value) => scheme(value)),
      ['http', 'https', 'https', 'ws', 'wss'],
    )
    for (const value of ['', 'ftp', 'https,http', 'https, https', 'https\tx', '"https"', 'httpss'])
      assert.equal(scheme(value), null, value)
    assert.equal(scheme('https', 'https'), null)
  })
})

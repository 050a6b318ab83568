import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  CONNECT_RULE_PATTERN,
  formatConnectRule,
  isHostName,
  parseConnectRule,
  parseTarget,
  rulesFor,
} from './host-name.ts'

const LONG_LABEL = 'a'.repeat(63)
const LONGEST = `${`${LONG_LABEL}.`.repeat(3)}${'b'.repeat(61)}`

const NAMES = [
  'a',
  'localhost',
  'partner',
  'api.example.org',
  'xn--bcher-kva.example',
  '1.example',
  '127.0.0.1.example',
  'a-b.c-d',
  '0x7f.org',
  '3com.com',
  'example.1a',
  'example.0xg',
  LONG_LABEL,
  LONGEST,
]

/** Names, written in a way that somebody reads as another host, or nobody reads at all. */
const BAD_NAMES = [
  '',
  '.',
  'example.org.',
  '.example.org',
  'example..org',
  'Example.org',
  'EXAMPLE.ORG',
  'a_b.example',
  '-a.example',
  'a-.example',
  'a.-b',
  'exa mple.org',
  'example.org ',
  'example.org\t',
  'example.org\0',
  'example.org\n',
  'example.org%00',
  'ex%61mple.org',
  'user@example.org',
  'example.org/',
  'example.org#a',
  'example.org?',
  'example.org\\a',
  'bücher.example',
  'ｅxample.org',
  'example。org',
  'K.example',
  '*.example.org',
  '*',
  `${LONG_LABEL}a`,
  `${LONGEST}b`,
  '127.1',
  '127.0.1',
  '0',
  '1',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0x7f.0.0.1',
  '0x',
  'a.0x',
  'a.0x1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.01',
  '127.0.0.256',
  '1.2.3.4.5',
  'example.123',
  '127.0.0.1.',
  '::1',
  '[::1]',
]

describe('a host name', () => {
  for (const name of NAMES) it(`is ${JSON.stringify(name)}`, () => assert.ok(isHostName(name)))
  for (const name of BAD_NAMES) it(`is not ${JSON.stringify(name)}`, () => assert.ok(!isHostName(name)))
})

describe('the target of a CONNECT', () => {
  it('is a name or an address, and a port', () => {
    assert.deepEqual(parseTarget('api.example.org:443'), { kind: 'name', host: 'api.example.org', port: 443 })
    assert.deepEqual(parseTarget('93.184.216.34:1'), {
      kind: 'address',
      bytes: Uint8Array.of(93, 184, 216, 34),
      host: '93.184.216.34',
      port: 1,
    })
    const v6 = parseTarget('[2606:2800:0::A]:65535')
    assert.deepEqual([v6?.kind, v6?.host, v6?.port], ['address', '2606:2800::a', 65_535])
  })

  const BAD = [
    'a',
    'a:',
    ':443',
    'a:0',
    'a:00443',
    'a:0443',
    'a:65536',
    'a:99999',
    'a:443 ',
    'a: 443',
    'a:+443',
    'a:443:443',
    'a:4a',
    'a:-1',
    'a:1e3',
    '[]:443',
    '[1.2.3.4]:443',
    '::1:443',
    '[::1]',
    '[::1%lo]:443',
    '[fe80::1%25eth0]:443',
    '[example.org]:443',
    '[v1.a]:443',
    'http://a:443',
  ]
  for (const text of [...BAD, ...BAD_NAMES.filter((name) => name !== '[::1]').map((name) => `${name}:443`)])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseTarget(text), undefined))

  it('never takes a number that inet_aton(3) reads for a name', () => {
    const number = fc.oneof(
      fc.nat(0xffff_ffff).map((value) => `${value}`),
      fc.nat(0xffff_ffff).map((value) => `0x${value.toString(16)}`),
      fc.nat(0xffff_ffff).map((value) => `0${value.toString(8)}`),
    )
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 4 }), (parts) => {
        const target = parseTarget(`${parts.join('.')}:443`)
        assert.notEqual(target?.kind, 'name')
      }),
    )
  })
})

describe('a rule of kind connect', () => {
  for (const [text, rule] of [
    ['CONNECT api.example.org:443', { host: 'api.example.org', port: 443, clients: [] }],
    ['CONNECT *.example.org:8443', { host: '*.example.org', port: 8443, clients: [] }],
    ['CONNECT 93.184.216.34:443', { host: '93.184.216.34', port: 443, clients: [] }],
    ['CONNECT [2606:2800:0:0::1]:443', { host: '2606:2800::1', port: 443, clients: [] }],
    ['CONNECT a.example:443 for worker web', { host: 'a.example', port: 443, clients: ['worker', 'web'] }],
  ] as const)
    it(`is ${text}`, () => {
      assert.deepEqual(parseConnectRule(text), rule)
      assert.deepEqual(parseConnectRule(formatConnectRule(rule)), rule)
      assert.match(text, CONNECT_RULE_PATTERN)
    })

  for (const text of [
    '',
    'CONNECT',
    'api.example.org:443',
    'connect api.example.org:443',
    'GET api.example.org:443',
    'CONNECT  api.example.org:443',
    'CONNECT api.example.org',
    'CONNECT api.example.org:*',
    'CONNECT *:443',
    'CONNECT *.:443',
    'CONNECT *example.org:443',
    'CONNECT *.*.example.org:443',
    'CONNECT a.*.example.org:443',
    'CONNECT api.*:443',
    'CONNECT *.0.0.1:443',
    'CONNECT *.127.0.0.1:443',
    'CONNECT *.[::1]:443',
    `CONNECT *.${LONGEST}:443`,
    'CONNECT https://api.example.org:443',
    'CONNECT api.example.org:443/',
    'CONNECT api.example.org:443 upgrade websocket',
    'CONNECT api.example.org:443 for',
    'CONNECT api.example.org:443 for for',
    'CONNECT api.example.org:443 for Worker',
    'CONNECT api.example.org:443  for worker',
    ...BAD_NAMES.filter((name) => !name.startsWith('*.') && name !== '[::1]').map(
      (name) => `CONNECT ${name}:443`,
    ),
  ])
    it(`is not ${JSON.stringify(text)}`, () => assert.equal(parseConnectRule(text), undefined))
})

const reasonOf = (found: ReturnType<typeof rulesFor>) => (typeof found === 'string' ? found : null)

describe('the rules of a route', () => {
  const rules = [
    'CONNECT api.example.org:443',
    'CONNECT *.example.org:8443',
    'CONNECT 93.184.216.34:443',
    'CONNECT [2606::1]:443',
  ].flatMap((text) => parseConnectRule(text) ?? [])
  const refusal = (text: string) => {
    const target = parseTarget(text)
    assert.ok(target, text)
    return reasonOf(rulesFor(rules, target))
  }

  for (const text of [
    'api.example.org:443',
    'api.example.org:8443',
    'b.example.org:8443',
    '93.184.216.34:443',
    '[2606::1]:443',
    '[2606:0::1]:443',
  ])
    it(`allow ${text}`, () => assert.equal(refusal(text), null))

  for (const [text, reason] of [
    ['example.org:8443', 'name_not_allowed'],
    ['org:8443', 'name_not_allowed'],
    ['a.b.example.org:8443', 'name_not_allowed'],
    ['xexample.org:8443', 'name_not_allowed'],
    ['api.example.org.evil.example:443', 'name_not_allowed'],
    ['api.example.com:443', 'name_not_allowed'],
    ['evil-api.example.org:443', 'port_not_allowed'],
    ['api.example.org:80', 'port_not_allowed'],
    ['b.example.org:443', 'port_not_allowed'],
    ['93.184.216.34:80', 'port_not_allowed'],
    ['93.184.216.35:443', 'literal_not_allowed'],
    ['[::ffff:93.184.216.34]:443', 'literal_not_allowed'],
    ['[2606::2]:443', 'literal_not_allowed'],
  ] as const)
    it(`refuse ${text}: ${reason}`, () => assert.equal(refusal(text), reason))

  it('without a wildcard match nothing but their own host', () => {
    fc.assert(
      fc.property(fc.domain(), (host) => {
        const target = parseTarget(`${host}:443`)
        if (target !== undefined && host !== 'api.example.org')
          assert.equal(typeof rulesFor(rules.slice(0, 1), target), 'string')
      }),
    )
  })
})

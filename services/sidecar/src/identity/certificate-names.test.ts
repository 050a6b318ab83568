import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { derOf, issue } from '../testing/certificates.ts'
import {
  type CertificateNames,
  certificateNames,
  matchesCertificate,
  parseCertificatePattern,
} from './certificate-names.ts'

const NONE: CertificateNames = { uris: [], dns: [], mails: [] }
const FOO = 'spiffe://example.org/foo'

/** DER of one element. */
function der(tag: number, ...contents: (Uint8Array | string)[]): Buffer {
  const content = Buffer.concat(contents.map((each) => Buffer.from(each)))
  const { length } = content
  const bytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...bytes]), content])
}

const OID = Buffer.from('0603551d11', 'hex')
const CRITICAL = Buffer.from('0101ff', 'hex')
const uri = (text: Uint8Array | string) => der(0x86, text)
const dns = (text: Uint8Array | string) => der(0x82, text)

function extension(...names: Uint8Array[]): Buffer {
  return der(0x30, OID, der(0x04, der(0x30, ...names)))
}

/** A certificate with these extensions. What no reader of names looks at is empty. */
function certificate(...extensions: Uint8Array[]): Buffer {
  const empty = der(0x30)
  const version = der(0xa0, der(0x02, '\x02'))
  const fields = [version, der(0x02, '\x01'), empty, empty, empty, empty, empty]
  return der(0x30, der(0x30, ...fields, der(0xa3, der(0x30, ...extensions))), empty, der(0x03, '\0'))
}

function matches(pattern: string, names: Partial<CertificateNames>): boolean {
  const parsed = parseCertificatePattern(pattern)
  assert.ok(parsed !== undefined, pattern)
  return matchesCertificate(parsed, { ...NONE, ...names })
}

describe('the names of a certificate', () => {
  it('are those that openssl wrote, of all kinds and in their order', async () => {
    const extensions = [
      'keyUsage=critical,digitalSignature',
      'subjectAltName=@names',
      '[names]',
      `URI.1=${FOO}`,
      'DNS.1=a.example.org',
      'DNS.2=*.example.org',
      'email.1=Ann@example.org',
      'IP.1=10.0.0.1',
      'RID.1=1.2.3.4',
      'otherName.1=1.2.3;UTF8:x',
    ]
    assert.deepEqual(certificateNames(derOf(await issue({ extensions }))), {
      uris: [FOO],
      dns: ['a.example.org', '*.example.org'],
      mails: ['Ann@example.org'],
    })
    assert.deepEqual(certificateNames(derOf(await issue({}))), NONE)
  })

  it('are never split: a name that looks like several in the text that Node joins is one (CVE-2021-44532)', async () => {
    const name = `a.example.org,URI:${FOO}`
    const hex = der(0x30, dns(name)).toString('hex')
    const pair = await issue({ extensions: [`subjectAltName=DER:${hex}`] })
    assert.deepEqual(certificateNames(derOf(pair)), { ...NONE, dns: [name] })
  })

  it('may be critical', () => {
    const critical = der(0x30, OID, CRITICAL, der(0x04, der(0x30, uri(FOO))))
    assert.deepEqual(certificateNames(certificate(critical)), { ...NONE, uris: [FOO] })
  })

  const good = certificate(extension(uri(FOO)))
  it('are read from the certificate that the next tests spoil', () => {
    assert.deepEqual(certificateNames(good), { ...NONE, uris: [FOO] })
  })

  const value = der(0x30, uri(FOO))
  /** The bytes with one value of the extension in place of the good one. */
  const withValue = (bytes: Uint8Array) => certificate(der(0x30, OID, der(0x04, bytes)))
  const notMinimal = (bytes: Buffer) =>
    Buffer.concat([bytes.subarray(0, 1), Buffer.from([0x81]), bytes.subarray(1)])
  for (const [what, bytes] of [
    ['with a byte after its end', Buffer.concat([good, Buffer.from([0])])],
    ['that is cut', good.subarray(0, -1)],
    ['that is empty', Buffer.alloc(0)],
    ['with the extension twice', certificate(extension(uri(FOO)), extension(uri(FOO)))],
    ['with the extension twice, once empty', certificate(extension(), extension(uri(FOO)))],
    ['with a byte after the value', withValue(Buffer.concat([value, Buffer.from([0])]))],
    ['with a second value', withValue(Buffer.concat([value, value]))],
    ['with a value that is no sequence', withValue(uri(FOO))],
    ['with a length that is not minimal', withValue(notMinimal(value))],
    ['with a name whose length is not minimal', withValue(der(0x30, notMinimal(uri(FOO))))],
    [
      'with an indefinite length',
      withValue(Buffer.concat([Buffer.from([0x30, 0x80]), uri(FOO), Buffer.alloc(2)])),
    ],
    ['with a length of four bytes', withValue(Buffer.from('308400000000', 'hex'))],
    ['with a name longer than the rest', withValue(Buffer.from('300486ff6161', 'hex'))],
    ['with a name in pieces', withValue(der(0x30, der(0xa6, der(0x04, FOO))))],
    ['with an unknown kind of name', withValue(der(0x30, der(0x89, FOO)))],
    ['with a tag of several bytes', withValue(der(0x30, Buffer.from('9f0601', 'hex')))],
    ['with a NUL in a name', certificate(extension(uri(`${FOO}\0.evil.example`)))],
    ['with a NUL at the end of a name', certificate(extension(uri(`${FOO}\0`)))],
    ['with a line break in a name', certificate(extension(uri(`${FOO}\n`)))],
    ['with a space in a name', certificate(extension(dns('a.example.org b')))],
    ['with a DEL in a name', certificate(extension(uri(`${FOO}\x7f`)))],
    ['with UTF-8 in a name', certificate(extension(uri(`${FOO}é`)))],
    ['with an empty name', certificate(extension(uri('')))],
    ['with one good name and one bad name', certificate(extension(uri(FOO), dns('a\0')))],
    ['with too many names', certificate(extension(...Array.from({ length: 1_001 }, () => dns('a'))))],
    ['with the DER of false', certificate(der(0x30, OID, Buffer.from('010100', 'hex'), der(0x04, value)))],
    [
      'with a true that is not DER',
      certificate(der(0x30, OID, Buffer.from('010101', 'hex'), der(0x04, value))),
    ],
    ['with bytes after the value of the extension', certificate(der(0x30, OID, der(0x04, value), der(0x05)))],
  ] as const)
    it(`are null for a certificate ${what}`, () => {
      assert.equal(certificateNames(bytes), null)
    })

  it('are read or null, and never an exception, for each change of one byte', async () => {
    const bytes = derOf(await issue({ extensions: [`subjectAltName=URI:${FOO},DNS:a`] }))
    for (let at = 0; at < bytes.length; at++)
      for (const other of [0, 0x30, 0x7f, 0x80, 0x84, 0xff]) {
        const changed = Buffer.from(bytes)
        changed[at] = other
        certificateNames(changed)
      }
    for (let length = 0; length < bytes.length; length++)
      assert.equal(certificateNames(bytes.subarray(0, length)), null)
  })
})

describe('a pattern for URIs', () => {
  it('without * fits the same URI alone, case-sensitively', () => {
    assert.equal(matches(FOO, { uris: [FOO] }), true)
    for (const other of [
      `${FOO}/`,
      `${FOO}/a`,
      'spiffe://example.org/Foo',
      'SPIFFE://example.org/foo',
      'spiffe://example.org/fo',
    ])
      assert.equal(matches(FOO, { uris: [other] }), false, other)
  })

  it('with * fits everything below, and not itself', () => {
    const pattern = 'spiffe://example.org/ns/monitoring/*'
    for (const name of ['a', 'a/b', 'sa/prom.eth_e-us', 'a.b', '...', '.a'])
      assert.equal(matches(pattern, { uris: [`spiffe://example.org/ns/monitoring/${name}`] }), true, name)
    assert.equal(matches('spiffe://example.org/*', { uris: ['spiffe://example.org/a'] }), true)
  })

  for (const name of [
    'spiffe://example.org/ns/monitoring',
    'spiffe://example.org/ns/monitoring/',
    'spiffe://example.org/ns/monitoring2/a',
    'spiffe://example.org/ns/Monitoring/a',
    'spiffe://Example.org/ns/monitoring/a',
    'spiffe://example.org.evil.example/ns/monitoring/a',
    'spiffe://evil.example/ns/monitoring/a',
    'spiffe://evil.example/spiffe://example.org/ns/monitoring/a',
    'https://example.org/ns/monitoring/a',
    'spiffe://example.org/ns/monitoring/..',
    'spiffe://example.org/ns/monitoring/../admin',
    'spiffe://example.org/ns/monitoring/a/../../admin',
    'spiffe://example.org/ns/monitoring/.',
    'spiffe://example.org/ns/monitoring/./a',
    'spiffe://example.org/ns/monitoring/%2e%2e/admin',
    'spiffe://example.org/ns/monitoring/.%2E/admin',
    'spiffe://example.org/ns/monitoring/a%2fb',
    'spiffe://example.org/ns/monitoring/%61',
    'spiffe://example.org/ns/monitoring//a',
    'spiffe://example.org/ns/monitoring/a//b',
    'spiffe://example.org/ns/monitoring/a/',
    'spiffe://example.org/ns/monitoring/a?b',
    'spiffe://example.org/ns/monitoring/?b',
    'spiffe://example.org/ns/monitoring/a#b',
    'spiffe://example.org/ns/monitoring/..\\admin',
    'spiffe://example.org/ns/monitoring/*',
    'spiffe://example.org/ns/monitoring/a*',
  ])
    it(`with * does not fit ${name}`, () => {
      assert.equal(matches('spiffe://example.org/ns/monitoring/*', { uris: [name] }), false)
    })

  it('fits no certificate with two URIs, in any order, even the same one twice', () => {
    for (const uris of [[FOO, 'spiffe://example.org/b'], ['spiffe://example.org/b', FOO], [FOO, FOO], []])
      for (const pattern of [FOO, 'spiffe://example.org/*']) assert.equal(matches(pattern, { uris }), false)
  })

  it('fits no other kind of name', () => {
    assert.equal(matches(FOO, { dns: [FOO], mails: [FOO] }), false)
  })
})

describe('a pattern for host names', () => {
  it('fits without regard to case', () => {
    assert.equal(matches('A.example.org', { dns: ['b', 'a.Example.ORG'] }), true)
    assert.equal(
      matches('a.example.org', { dns: ['b.a.example.org', 'a.example.org.', 'xa.example.org'] }),
      false,
    )
    assert.equal(matches('a.example.org', { uris: ['a.example.org'], mails: ['a.example.org'] }), false)
  })

  it('with *. fits one label more', () => {
    assert.equal(matches('*.example.org', { dns: ['A.example.org'] }), true)
    for (const name of [
      'example.org',
      '.example.org',
      'a.b.example.org',
      'a.example.org.',
      'aexample.org',
      'a.example.org.evil.example',
    ])
      assert.equal(matches('*.example.org', { dns: [name] }), false, name)
  })

  it('never fits a name that is a wildcard itself', () => {
    for (const pattern of ['*.example.org', 'a.example.org', '*.a.example.org'])
      for (const name of ['*.example.org', '*.a.example.org', 'a*.example.org', '*'])
        assert.equal(matches(pattern, { dns: [name] }), false, `${pattern} ${name}`)
  })
})

describe('a pattern for mail addresses', () => {
  it('fits the same local part, and the host without regard to case', () => {
    assert.equal(matches('Ann@Example.org', { mails: ['Ann@eXample.org'] }), true)
    for (const name of [
      'ann@example.org',
      'Ann@a.example.org',
      'example.org',
      '@example.org',
      'x@Ann@example.org',
      'Ann@example.org@x',
    ])
      assert.equal(matches('Ann@example.org', { mails: [name] }), false, name)
    assert.equal(matches('Ann@example.org', { uris: ['Ann@example.org'], dns: ['Ann@example.org'] }), false)
  })
})

describe('no pattern is', () => {
  for (const text of [
    '',
    '*',
    '*.',
    '**.example.org',
    '*.*.example.org',
    'a.*.org',
    'a*.example.org',
    'example.org.',
    '.example.org',
    'a..b',
    '-a.example.org',
    'a_.-',
    'a b',
    'é.example.org',
    '\u212a.example.org',
    `${'a'.repeat(64)}.org`,
    `${'a.'.repeat(127)}org`,
    '10.0.0.1',
    '*.0.0.1',
    '0x7f.1',
    '1.0x7f',
    '2130706433',
    '::1',
    '[::1]',
    'CN=ann',
    'a/b',
    'a:443',
    '@example.org',
    'ann@',
    'ann@b@example.org',
    '*@example.org',
    'ann@*.example.org',
    'a*@example.org',
    'ann@10.0.0.1',
    'mailto:ann@example.org',
    '"a b"@example.org',
    'spiffe://',
    'spiffe:///*',
    'spiffe://*',
    'spiffe://*/a',
    'spiffe://*.example.org/a',
    'spiffe://example.org*',
    'spiffe://example.org/a*',
    'spiffe://example.org/*/b',
    'spiffe://example.org/**',
    'spiffe://example.org/*/*',
    'spiffe://example.org//*',
    'spiffe://example.org/a/../*',
    'spiffe://example.org/%2e%2e/*',
    'spiffe://example.org/a?b/*',
    'spiffe://example.org/a#/*',
    'spiffe://example.org/a b',
    'spiffe://example.org/a\n',
    'spiffe://example.org/é',
    '://example.org/a',
    '1a://example.org/a',
    `spiffe://example.org/${'a'.repeat(2_048)}`,
  ])
    it(JSON.stringify(text.slice(0, 80)), () => {
      assert.equal(parseCertificatePattern(text), undefined)
    })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Failure } from '../failure/failure.ts'
import { type Endpoint, formatEndpoint, MAX_PATH_BYTES, parseEndpoint } from './endpoint.ts'

const segment = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((s) => !/[/\0]/.test(s) && s !== '.' && s !== '..')
const unix = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((parts) => ({ kind: 'unix', path: `/${parts.join('/')}` }) as const)
const abstract = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((name) => !name.includes('\0'))
  .map((name) => ({ kind: 'abstract', name }) as const)
const tcp = fc
  .tuple(
    fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6().filter(isGlobal), fc.constant('fe80::1%eth0')),
    fc.nat(65_535),
  )
  .map(([host, port]) => ({ kind: 'tcp', host, port }) as const)

/** A link-local address (fe80::/10) needs a scope. */
function isGlobal(host: string): boolean {
  return !/^fe[89ab]/i.test(host)
}

const endpoints: fc.Arbitrary<Endpoint> = fc.oneof(
  unix.filter(({ path }) => Buffer.byteLength(path) <= MAX_PATH_BYTES),
  abstract.filter(({ name }) => Buffer.byteLength(name) < MAX_PATH_BYTES),
  tcp,
)

describe('the text of an endpoint', () => {
  it('of any endpoint, is read back as an equal endpoint', () => {
    fc.assert(fc.property(endpoints, (e) => assert.deepEqual(parseEndpoint(formatEndpoint(e)), e)))
  })

  it('that is arbitrary, is read, or refused as bad_endpoint or path_too_long', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string().map((s) => `unix:${s}`),
      fc.string().map((s) => `tcp://${s}`),
    )
    fc.assert(
      fc.property(texts, (text) =>
        assert.match(codeOf(text) ?? 'bad_endpoint', /^(bad_endpoint|path_too_long)$/),
      ),
    )
  })

  for (const [text, endpoint] of [
    ['unix:/run/app/api.sock', { kind: 'unix', path: '/run/app/api.sock' }],
    ['unix:///run/app/api.sock', { kind: 'unix', path: '/run/app/api.sock' }],
    ['unix:/@name', { kind: 'unix', path: '/@name' }],
    ['unix:@name', { kind: 'abstract', name: 'name' }],
    ['unix:@a/../b', { kind: 'abstract', name: 'a/../b' }],
    ['tcp://localhost:0', { kind: 'tcp', host: 'localhost', port: 0 }],
    ['tcp://0.0.0.0:9464', { kind: 'tcp', host: '0.0.0.0', port: 9464 }],
    ['tcp://[::1]:65535', { kind: 'tcp', host: '::1', port: 65_535 }],
    ['tcp://[fe80::1%eth0]:80', { kind: 'tcp', host: 'fe80::1%eth0', port: 80 }],
    ['tcp://[FEBF:0:0:0:0:0:0:1%br-1.2]:80', { kind: 'tcp', host: 'FEBF:0:0:0:0:0:0:1%br-1.2', port: 80 }],
    ['tcp://[fec0::1]:80', { kind: 'tcp', host: 'fec0::1', port: 80 }],
  ] as const) {
    it(`${text}, is read`, () => assert.deepEqual(parseEndpoint(text), endpoint))
  }

  for (const text of [
    '',
    '/run/app.sock',
    'unix:',
    'unix:relative',
    'unix:./s',
    'unix://host/s',
    'unix:/',
    'unix:/dir/',
    'unix:/a/../b',
    'unix:/a//b',
    'unix:/a\0b',
    'unix:@',
    'unix:@a\0b',
    'unix:/\ud800',
    'UNIX:/a',
    'tcp:localhost:1',
    'tcp://localhost',
    'tcp://localhost:',
    'tcp://localhost:65536',
    'tcp://localhost:-1',
    'tcp://localhost:1/',
    'tcp://user@host:1',
    'tcp://::1:80',
    'tcp://[::g]:80',
    'tcp://[:::]:80',
    'tcp://[fe80::1%]:80',
    'tcp://[fe80::1%eth0/]:80',
    'tcp://[::1%lo]:80',
    'tcp://[2001:db8::1%eth0]:80',
    'http://localhost:80',
  ]) {
    it(`${JSON.stringify(text)}, is refused with the grammar as hint`, () => {
      assert.throws(() => parseEndpoint(text), {
        code: 'bad_endpoint',
        hint: /unix:\/absolute\/path/,
        exitCode: 78,
      })
    })
  }

  for (const host of ['fe80::1', 'FE80::1', 'fe80:0:0:0:0:0:0:1', 'febf::', 'fe9a::1.2.3.4']) {
    it(`of the link-local address ${host} without a scope, is refused, and the message shows a scope to add`, () => {
      const message = /link-local address without a scope: add one, such as .*%eth0/
      assert.throws(() => parseEndpoint(`tcp://[${host}]:80`), {
        code: 'bad_endpoint',
        exitCode: 78,
        message,
      })
    })
  }

  for (const letter of ['x', 'é', '☕', '🦊']) {
    const bytes = Buffer.byteLength(letter)
    it(`with characters of ${bytes} bytes, may have ${MAX_PATH_BYTES} bytes and no more`, () => {
      const count = Math.floor((MAX_PATH_BYTES - 1) / bytes)
      const path = `/${letter.repeat(count)}${'x'.repeat(MAX_PATH_BYTES - 1 - count * bytes)}`
      assert.deepEqual(parseEndpoint(`unix:${path}`), { kind: 'unix', path })
      assert.throws(() => parseEndpoint(`unix:${path}x`), {
        code: 'path_too_long',
        message: new RegExp(`has ${MAX_PATH_BYTES + 1} bytes and may have ${MAX_PATH_BYTES}`),
      })
    })
  }

  it('of an abstract name, counts the @ as a byte', () => {
    const name = 'x'.repeat(MAX_PATH_BYTES - 1)
    assert.equal(parseEndpoint(`unix:@${name}`).kind, 'abstract')
    assert.throws(() => parseEndpoint(`unix:@${name}x`), { code: 'path_too_long' })
  })
})

function codeOf(text: string): string | undefined {
  try {
    parseEndpoint(text)
    return undefined
  } catch (error) {
    return (error as Failure).code
  }
}

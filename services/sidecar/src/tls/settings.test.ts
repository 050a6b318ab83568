import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { loadConfig } from '../config/config.ts'
import { parseFile } from '../config/parse-file.ts'
import {
  makePair,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'
import { runSidecar } from '../testing/sidecar-process.ts'
import { configFrom, opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'

const SIDECAR = new URL('../sidecar/sidecar.ts', import.meta.url).href

let pair: TestPair
before(async () => {
  pair = await makePair()
})

describe('the setting tls', () => {
  it('has defaults, and is there for both kinds of routes and the operations port', () => {
    const { opsTls, routes } = configFrom(`
ops: {listen: "tcp://127.0.0.1:0", tls: {certificate: /c, key: /k, minVersion: TLSv1.3}}
routes:
  - {name: a, kind: http, listen: "tcp://h:1", upstream: "unix:/a", tls: {certificate: /c, key: /k}}
  - {name: b, kind: stream, listen: "tcp://h:2", upstream: "unix:/a", tls: {certificate: /c, key: /k, handshakes: 9}}
`)
    const defaults = {
      certificate: '/c',
      key: '/k',
      minVersion: 'TLSv1.2',
      handshakeTimeout: 10_000,
      handshakes: 512,
    }
    assert.deepEqual(opsTls, { ...defaults, minVersion: 'TLSv1.3' })
    assert.deepEqual(
      routes.map(({ tls }) => tls),
      [defaults, { ...defaults, handshakes: 9 }],
    )
  })

  it('with clientCa has fewer handshakes by default, because each may cost more memory', () => {
    const parsed = (more: string) =>
      configFrom(
        `routes: [{name: a, kind: http, listen: "tcp://h:1", upstream: "unix:/a", tls: {certificate: /c, key: /k, ${more}}}]`,
      ).routes[0]?.tls?.handshakes
    assert.equal(parsed('clientCa: /ca'), 64)
    assert.equal(parsed('clientCa: /ca, handshakes: 512'), 512)
    assert.equal(parsed('handshakes: 64'), 64)
  })

  it('has all its mistakes reported at once, each with its line', () => {
    const text = `ops:
  listen: unix:/ops
  tls: {certificate: /c, key: /k}
routes:
  - name: a
    kind: http
    listen: unix:/a
    upstream: unix:/b
    tls: {certificate: /c, key: /k}
  - name: b
    kind: stream
    listen: tcp://h:1
    upstream: unix:/b
    tls:
      certificate: tls.crt
      minVersion: SSLv3
      ca: /x
`
    const expected = [
      /^f:3 ops\.tls is only for a listener on tcp:/m,
      /^ {2}f:9 routes\[0\]\.tls is only for a listener on tcp:/m,
      /^ {2}f:14 routes\[1\]\.tls\.key is missing/m,
      /^ {2}f:15 routes\[1\]\.tls\.certificate is "tls\.crt": may be the absolute path/m,
      /^ {2}f:16 routes\[1\]\.tls\.minVersion is "SSLv3": may be TLSv1\.2 or TLSv1\.3/m,
      /^ {2}f:17 routes\[1\]\.tls\.ca is not a setting here/m,
    ]
    assert.throws(
      () => parseFile(text, 'f'),
      ({ message }: Error) => expected.every((pattern) => pattern.test(message)),
    )
  })

  it('of the operations port does not hide that two listeners have one address', () => {
    const text = `{ops: {listen: "tcp://h:1"}, routes: [{name: a, kind: stream, listen: "tcp://h:1", upstream: "unix:/a"}]}`
    assert.throws(() => parseFile(text, 'f'), /routes\[0\]\.listen "tcp:\/\/h:1" is used twice/)
  })

  it('has variables for one route, which belong together', () => {
    const env = { SIDECAR_LISTEN: 'tcp://h:1', SIDECAR_UPSTREAM: 'unix:/a' }
    const { routes } = loadConfig({ ...env, SIDECAR_CERTIFICATE: '/c', SIDECAR_KEY: '/k' })
    assert.equal(routes[0]?.tls?.key, '/k')
    assert.equal(loadConfig({ ...env, SIDECAR_CERTIFICATE: '' }).routes[0]?.tls, undefined)
    assert.throws(() => loadConfig({ ...env, SIDECAR_CERTIFICATE: '/c' }), /SIDECAR_KEY is not set/)
    assert.throws(() => loadConfig({ ...env, SIDECAR_KEY: '/k' }), /SIDECAR_CERTIFICATE is not set/)
    assert.throws(
      () => loadConfig({ ...env, SIDECAR_LISTEN: 'unix:/l', SIDECAR_CERTIFICATE: '/c', SIDECAR_KEY: '/k' }),
      /SIDECAR_CERTIFICATE is .*only for SIDECAR_LISTEN=tcp.*SIDECAR_KEY is .*only for/s,
    )
  })
})

describe('a start with certificate files that are missing or bad', () => {
  it('exits with 78 and names all of them, and so does --check', async () => {
    await using directory = await tempDirectory()
    const other = await makePair()
    const encrypted = execFileSync('openssl', ['pkey', '-aes128', '-passout', 'pass:secret'], {
      input: pair.key,
    })
    for (const [name, text] of Object.entries({ crt: pair.cert, key: pair.key, other: other.key, encrypted }))
      await writeFile(directory.at(name), text)
    const rows = [
      ['crt', 'missing', /missing", which cannot be read/],
      ['crt', 'other', /other does not belong to the certificate in .*crt/],
      ['key', 'key', /key has no certificate/],
      ['crt', 'crt', /crt has no private key that can be read/],
      ['crt', 'encrypted', /encrypted has no private key that can be read/],
    ] as const
    const routes = rows.map(
      ([certificate, key], index) =>
        `{name: a${index}, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/a", ${tlsText({ certificate: directory.at(certificate), key: directory.at(key) })}}`,
    )
    await writeFile(directory.at('yaml'), `{routes: [${routes.join(', ')}]}`)
    for (const args of [[], ['--check']]) {
      const { code, error } = await runSidecar({ SIDECAR_CONFIG: directory.at('yaml') }, ...args)
      assert.equal(code, 78)
      assert.match(error, /^sidecar: bad_config: /)
      for (const [, , message] of rows) assert.match(error, message)
      assert.match(error, /hint: .*without a passphrase/)
    }
  })
})

describe('a reload', () => {
  const route = (upstream: string, tls: string, port = 0) =>
    `{drain: 500ms, routes: [{name: web, kind: http, listen: "tcp://127.0.0.1:${port}", upstream: "unix:${upstream}", allow: [GET /a]${tls === '' ? '' : `, ${tls}`}}]}`

  it('turns TLS on and off on an open port, and its counters go on', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const { sidecar } = stack
    const port = portOf(sidecar)
    using kept = tlsConversation(port, pair)
    await kept.send(GET).hears('ok')
    const plain = stack.open().send(GET)
    await plain.hears('tls_required')
    await sidecar.apply(configFrom(route(stack.socketPath, '')))
    assert.equal(portOf(sidecar), port)
    await stack.open().send(GET).hears('ok')
    await sidecar.apply(configFrom(route(stack.socketPath, tlsText(secret, 'minVersion: TLSv1.3'))))
    await stack.open().send(GET).hears('tls_required')
    using client = tlsConversation(port, pair)
    await client.send(GET).hears('ok')
    await sidecar.apply(configFrom(route(stack.socketPath, tlsText(secret))))
    assert.equal(sidecar.routes[0]?.tls?.counters.handshakeFailures.get('plain_http'), 1)
  })

  it('with a certificate that is missing is refused, and the old configuration serves', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const missing = tlsText({ certificate: '/nowhere/crt', key: secret.key })
    await assert.rejects(stack.sidecar.apply(configFrom(route(stack.socketPath, missing))), {
      code: 'bad_config',
      message: /\/nowhere\/crt", which cannot be read/,
    })
    using client = tlsConversation(portOf(stack.sidecar), pair)
    await client.send(GET).hears('ok')
  })

  it('turns TLS on for the operations port', async () => {
    await using secret = await secretDirectory(pair)
    const text = (tls: string) =>
      `{ops: {listen: "tcp://127.0.0.1:0"${tls}}, routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/a"}]}`
    await using sidecar = await sidecarWith(text(''))
    const port = opsPortOf(sidecar)
    await sidecar.apply(configFrom(text(`, ${tlsText(secret)}`)))
    assert.equal(opsPortOf(sidecar), port)
    using client = tlsConversation(port, pair)
    await client.send('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n').hears('healthy')
  })
})

it('a sidecar without TLS and without an operations port, which needs node:http, never loads node:tls', () => {
  const script = `const { Sidecar } = await import('${SIDECAR}')
    const { configFrom } = await import('${new URL('../testing/sidecar-with.ts', import.meta.url).href}')
    const { createLog } = await import('@uds-sidecar/shared/lifecycle/log')
    const config = configFrom('{routes: [{name: a, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:/a"}]}')
    await using _ = await Sidecar.start(config, { version: '', revision: '' }, createLog('sidecar', 'silent'))
    process.stdout.write(process.moduleLoadList.filter((name) => name === 'NativeModule tls').join())`
  const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
    cwd: import.meta.dirname,
  })
  assert.equal(`${output}`, '')
})

it('no module imports node:tls or node:crypto: the bundle would load them at each start', () => {
  const root = new URL('../../../../', import.meta.url).pathname
  const files = globSync('{shared,services/sidecar}/src/**/*.ts', { cwd: root }).filter(
    (file) => !/\.test\.ts$|\/testing\//.test(file),
  )
  const importing = files.filter((file) =>
    /^import (?!type ).* from 'node:(tls|crypto)'/m.test(readFileSync(`${root}${file}`, 'utf8')),
  )
  assert.ok(files.length > 100)
  assert.deepEqual(importing, [])
})

import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { request } from '@uds-sidecar/shared/http/request'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import {
  issue,
  makePair,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { makeAuthority, makeClient } from '../testing/client-certificates.ts'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { responding } from '../testing/raw-server.ts'
import { runSidecar, sidecarProcess } from '../testing/sidecar-process.ts'
import { configFrom, portOf } from '../testing/sidecar-with.ts'
import { readBundle } from './authority-bundle.ts'

let server: TestPair
let root: TestPair
let other: TestPair
let client: TestPair
before(async () => {
  server = await makePair()
  root = await makeAuthority({ name: 'root' })
  other = await makeAuthority({ name: 'other' })
  client = await makeClient(root, 'URI:spiffe://example.org/a')
})

/** A file in a directory of its own. */
async function fileWith(content: string | Buffer) {
  const directory = await tempDirectory('tls-')
  const path = directory.at('ca.crt')
  await writeFile(path, content)
  return {
    path,
    async replace(next: string): Promise<void> {
      await writeFile(directory.at('next'), next)
      await rename(directory.at('next'), path)
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

describe('a file of client CAs', () => {
  it('may have several roots, intermediates, and text around them', async () => {
    const middle = await makeAuthority({ name: 'middle', issuer: root, to: '300101' })
    await using file = await fileWith(`# ours\n${root.cert}subject=x\n${middle.cert}\r\n${other.cert}end`)
    const { pems, anchors, intermediates, expiresAt } = readBundle(file.path)
    assert.equal(pems.length, 3)
    assert.equal(anchors.size, 2)
    assert.deepEqual(
      intermediates.map(({ certificate }) => certificate.subject),
      ['CN=middle'],
    )
    assert.equal(expiresAt.toISOString(), '2030-01-01T00:00:00.000Z')
  })

  for (const [what, content, message] of [
    ['that is empty', () => '', /ca\.crt has no certificate$/],
    ['with other text', () => 'x', /ca\.crt has no certificate$/],
    [
      'with a block that is no certificate',
      () => root.cert.replace(/MII/, 'AAA'),
      /certificate 1 of .*ca\.crt cannot be read/,
    ],
    [
      'with a damaged second block',
      () => root.cert + other.cert.replace(/MII/, 'AAA'),
      /certificate 2 of .*ca\.crt cannot be read/,
    ],
    [
      'with half a certificate',
      () => root.cert + other.cert.slice(0, 300),
      /ca\.crt has a certificate that is cut or damaged/,
    ],
    ['whose second block lacks its beginning', () => root.cert + other.cert.slice(28), /is cut or damaged/],
    [
      'whose second block begins with other dashes',
      () => root.cert + other.cert.slice(1),
      /is cut or damaged/,
    ],
    ['with a private key', () => root.cert + root.key, /has a PEM block of the kind PRIVATE KEY/],
    [
      'with a trusted certificate',
      () => root.cert.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'),
      /of the kind TRUSTED CERTIFICATE/,
    ],
    ['with a certificate of a client', () => root.cert + client.cert, /ca\.crt has "CN=\d+", which is no CA/],
    ['with a self-signed certificate that is no CA', async () => (await makePair()).cert, /which is no CA/],
    [
      'with a CA that may not sign',
      async () =>
        (await issue({ extensions: ['basicConstraints=CA:TRUE', 'keyUsage=digitalSignature'] })).cert,
      /which is no CA/,
    ],
    [
      'with an intermediate alone',
      async () => (await makeAuthority({ name: 'middle', issuer: root })).cert,
      /has the intermediate CA "CN=middle" without the CA that issued it/,
    ],
    [
      'with an intermediate of a namesake',
      async () =>
        root.cert +
        (
          await makeAuthority({
            name: 'middle',
            issuer: await makeAuthority({ name: 'root' }),
            extensions: ['basicConstraints=CA:TRUE', 'authorityKeyIdentifier=none'],
          })
        ).cert,
      /has the intermediate CA "CN=middle" without/,
    ],
    ['with too many certificates', () => root.cert.repeat(101), /has 101 certificates; at most 100/],
    ['that is too large', () => `${root.cert}${' '.repeat(1_048_576)}`, /has more than 1048576 bytes/],
    ['that is not text', () => Buffer.from([0xff, 0xfe]), /not UTF-8/],
  ] as const)
    it(`${what} is refused, and the message says what to do`, async () => {
      await using file = await fileWith(await content())
      assert.throws(
        () => readBundle(file.path),
        (error) => error instanceof Failure && message.test(error.message) && error.hint !== '',
      )
    })

  it('that is missing is refused', () => {
    assert.throws(
      () => readBundle('/nowhere/ca.crt'),
      /tls\.clientCa is "\/nowhere\/ca\.crt", which cannot be read/,
    )
  })
})

describe('the setting tls.clientCa', () => {
  it('is for routes of both kinds and the operations port, and an absolute path', () => {
    const tls = 'tls: {certificate: /c, key: /k, clientCa: /ca}'
    const { opsTls, routes } = configFrom(`
ops: {listen: "tcp://127.0.0.1:0", ${tls}}
routes:
  - {name: a, kind: http, listen: "tcp://h:1", upstream: "unix:/a", ${tls}}
  - {name: b, kind: stream, listen: "tcp://h:2", upstream: "unix:/a", ${tls}}
`)
    assert.deepEqual(
      [opsTls, ...routes.map((route) => route.tls)].map((each) => each?.clientCa),
      ['/ca', '/ca', '/ca'],
    )
    for (const bad of ['ca.crt', '""', '[/ca]', '1'])
      assert.throws(
        () =>
          configFrom(
            `routes: [{name: a, kind: http, listen: "tcp://h:1", upstream: "unix:/a", tls: {certificate: /c, key: /k, clientCa: ${bad}}}]`,
          ),
        /routes\[0\]\.tls\.clientCa is .*may be the absolute path of a PEM file/,
      )
  })

  it('with a missing or bad file ends a start with 78, beside a bad pair, and --check too', async () => {
    await using secret = await secretDirectory({ cert: server.cert, key: root.key })
    await using file = await fileWith(client.cert)
    await using directory = await tempDirectory()
    const route = (name: string, clientCa: string) =>
      `{name: ${name}, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/a", ${tlsText(secret, `clientCa: ${clientCa}`)}}`
    await writeFile(
      directory.at('yaml'),
      `{routes: [${route('a', '/nowhere/ca.crt')}, ${route('b', file.path)}]}`,
    )
    for (const args of [[], ['--check']]) {
      const { code, error } = await runSidecar({ SIDECAR_CONFIG: directory.at('yaml') }, ...args)
      assert.equal(code, 78)
      for (const expected of [
        /does not belong to the certificate/,
        /nowhere\/ca\.crt.*cannot be read/,
        /which is no CA/,
      ])
        assert.match(error, expected)
    }
  })
})

describe('a sidecar with tls.clientCa', () => {
  it('serves clients with a valid certificate or none, and no other one reaches the upstream', async () => {
    await using secret = await secretDirectory(server)
    await using file = await fileWith(root.cert)
    await using stack = await httpStack(responding(OK), tlsText(secret, `clientCa: ${file.path}`))
    const port = portOf(stack.sidecar)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      for (const presented of [{}, client]) {
        using good = tlsConversation(port, server, { ...presented, maxVersion: version })
        await good.send(GET).hears('ok')
      }
      const before = stack.connections.length
      using bad = tlsConversation(port, server, { ...other, maxVersion: version })
      assert.equal(await bad.send(GET).toItsEnd(), '')
      assert.equal(bad.ending, 'ECONNRESET')
      assert.equal(stack.connections.length, before)
    }
    assert.equal(stack.sidecar.routes[0]?.tls?.counters.handshakeFailures.get('client_certificate'), 2)
  })

  it('says in its log, in /routes and in metrics that a new file is bad, and that the next one is good', async () => {
    await using secret = await secretDirectory(server)
    await using file = await fileWith(root.cert)
    await using directory = await tempDirectory()
    const tls = tlsText(secret, `clientCa: ${file.path}`)
    await writeFile(
      directory.at('yaml'),
      `{ops: "tcp://127.0.0.1:0", routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere", ${tls}}, {name: b, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere", ${tlsText(secret)}}]}`,
    )
    await using sidecar = sidecarProcess({ SIDECAR_CONFIG: directory.at('yaml') })
    const ops = { kind: 'tcp', host: '127.0.0.1', port: await sidecar.port('ops') } as const
    const page = async (path: string) => `${(await request(ops, { path })).body}`
    const shown = async () => JSON.parse(await page('/routes')).routes[0].tls.clientCa
    const { since, ...first } = await shown()
    assert.deepEqual(first, {
      file: file.path,
      authorities: 1,
      expires: '2048-01-01T00:00:00.000Z',
      lastError: null,
    })
    assert.ok(Date.parse(since) > 0)
    await file.replace(client.cert)
    const refused = 'the new client CA is refused, the old one stays in use'
    await eventually('the refusal', () => sidecar.log().includes(refused))
    const metrics = await page('/metrics')
    assert.match(metrics, /^sidecar_tls_client_ca_last_reload_successful\{route="a"\} 0$/m)
    assert.match(metrics, /^sidecar_tls_client_ca_reload_failures_total\{route="a"\} 1$/m)
    assert.match(metrics, /^sidecar_tls_client_ca_expiry_timestamp_seconds\{route="a"\} 2461449600$/m)
    assert.match(metrics, /^sidecar_tls_last_reload_successful\{route="a"\} 1$/m)
    assert.doesNotMatch(metrics, /^sidecar_tls_client_ca.*route="b"/m)
    assert.match((await shown()).lastError.detail, /which is no CA/)
    assert.match(await page('/'), /new client CA refused/)
    assert.equal(JSON.parse(await page('/routes')).routes[1].tls.clientCa, null)
    await file.replace(root.cert + other.cert)
    await eventually('the good file', () => sidecar.log().includes('the new client CA is in use'))
    assert.equal((await shown()).authorities, 2)
    assert.match(await page('/metrics'), /^sidecar_tls_client_ca_last_reload_successful\{route="a"\} 1$/m)
    assert.equal(sidecar.log().split(refused).length, 2)
  })

  it('refuses a new file whose CAs have all expired, and starts with one, with a warning', async () => {
    const old = await makeAuthority({ to: '210101' })
    await using secret = await secretDirectory(server)
    await using file = await fileWith(root.cert)
    await using stack = await httpStack(responding(OK), tlsText(secret, `clientCa: ${file.path}`))
    const clientCa = stack.sidecar.routes[0]?.tls?.clientCa
    await file.replace(old.cert)
    await eventually('the refusal', () => clientCa?.lastFailure !== null)
    assert.match(clientCa?.lastFailure?.message ?? '', /every CA in .*ca\.crt has expired/)
    await using directory = await tempDirectory()
    await writeFile(
      directory.at('yaml'),
      `{routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:/nowhere", ${tlsText(secret, `clientCa: ${file.path}`)}}]}`,
    )
    await using sidecar = sidecarProcess({ SIDECAR_CONFIG: directory.at('yaml') })
    await sidecar.port('a')
    assert.match(sidecar.log(), /"level":"warn".*a CA of tls\.clientCa has expired/)
  })
})

import assert from 'node:assert/strict'
import { rename, rm, writeFile } from 'node:fs/promises'
import { before, describe, it } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, OK } from '../testing/http-stack.ts'
import { partner, type WayOutStack, wayOutStack } from '../testing/partner.ts'
import { mirror, responding } from '../testing/raw-server.ts'
import { runSidecar } from '../testing/sidecar-process.ts'
import { opsPortOf } from '../testing/sidecar-with.ts'

const NAME = 'api.example.org'
let ca: Authority
let other: Authority
let pair: KeyPair
before(async () => {
  ca = await Authority.create('One')
  other = await Authority.create('Other')
  pair = await ca.issue({ names: `DNS:${NAME}` })
  return () => Promise.all([ca, other].map((each) => each[Symbol.asyncDispose]()))
})

/** Replaces a file as a secret manager does. */
async function replace({ directory }: WayOutStack, name: string, text: string): Promise<void> {
  await writeFile(directory.at('next'), text)
  await rename(directory.at('next'), directory.at(name))
}

function outgoingOf({ sidecar }: WayOutStack) {
  const outgoing = sidecar.routes[0]?.outgoing
  if (outgoing == null) throw new Error('no way out')
  return outgoing
}

async function page(stack: WayOutStack, path: string): Promise<string> {
  const endpoint = { kind: 'tcp', host: '127.0.0.1', port: opsPortOf(stack.sidecar) } as const
  return (await request(endpoint, { path })).body.toString()
}

const TOP = 'ops: "tcp://127.0.0.1:0"'

describe('the CA of a route', () => {
  it('is followed: new connections trust the new one, and idle ones of the old are closed', async () => {
    await using server = await partner(responding(OK), pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: $D/ca.crt}, timeouts: {upstreamIdle: 1h}`,
      { files: { 'ca.crt': ca.cert } },
    )
    const app = await stack.open().send(GET).hears('200 OK')
    const busy = server.sockets.filter((socket) => socket.bytesRead > 0)
    await replace(stack, 'ca.crt', other.cert)
    await eventually('the old connection to be closed', () => busy.every((socket) => socket.readableEnded))
    await app.send(GET).hears('"tls_untrusted"')
    await replace(stack, 'ca.crt', other.cert + ca.cert)
    await eventually('both CAs', () => outgoingOf(stack).upstreamTls?.dialOptions().session === undefined)
    app.received = ''
    await eventually('trust again', async () => {
      app.received = ''
      await app.send(GET).hears('\r\n\r\n')
      return app.received.startsWith('HTTP/1.1 200')
    })
  })

  it('that was replaced is no reason to cut a request on the wire, whose connection then ends', async () => {
    const answers: (() => void)[] = []
    await using server = await partner(({ socket }) => answers.push(() => socket.write(OK)), pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: $D/ca.crt}, timeouts: {upstreamIdle: 1h}`,
      { files: { 'ca.crt': ca.cert } },
    )
    const app = stack.open().send(GET)
    await eventually('the request', () => answers.length === 1)
    const { since } = outgoingOf(stack).upstreamTls ?? {}
    await replace(stack, 'ca.crt', other.cert)
    await eventually('the new CA', () => outgoingOf(stack).upstreamTls?.since !== since)
    answers[0]?.()
    await app.hears('200 OK')
    const [socket] = server.sockets.filter(({ bytesRead }) => bytesRead > 0)
    await eventually('its connection to end', () => socket?.readableEnded === true)
  })

  it('that is bad later does not replace the old one, and everything says so', async () => {
    await using server = await partner(responding(OK), pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: $D/ca.crt}`,
      { files: { 'ca.crt': ca.cert }, top: TOP },
    )
    await replace(stack, 'ca.crt', 'nothing')
    await eventually('the refusal', () => outgoingOf(stack).upstreamTls?.lastFailure != null)
    await stack.open().send(GET).hears('200 OK')
    assert.match(await page(stack, '/metrics'), /files_last_reload_successful\{route="out"\} 0\n/)
    assert.match(await page(stack, '/metrics'), /files_reload_failures_total\{route="out"\} 1\n/)
    assert.match(await page(stack, '/routes'), /"detail": ".*ca.crt has no certificate"/)
    assert.match(await page(stack, '/'), /new file refused/)
  })

  it('is shown with the certificate that the partner presented', async () => {
    await using server = await partner(responding(OK), pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: $D/ca.crt}`,
      { files: { 'ca.crt': ca.cert }, top: TOP },
    )
    const { routes } = JSON.parse(await page(stack, '/routes'))
    const { upstreamTls } = routes[0]
    assert.equal(upstreamTls.serverName, NAME)
    assert.equal(upstreamTls.peer.issuer, 'CN=One')
    assert.equal(upstreamTls.peer.expires, '2048-01-01T00:00:00.000Z')
    assert.match(
      await page(stack, '/metrics'),
      /sidecar_upstream_tls_certificate_expiry_timestamp_seconds\{route="out"\} 2461449600/,
    )
  })
})

describe('the credentials of a route', () => {
  const settings = (port: number, more = '') =>
    `upstream: "tcp://${NAME}:${port}", upstreamTls: {ca: ${ca.certFile}}, credentials: {Authorization: $D/token${more}}`

  it('are in each request, in the place of what the app sends under that name', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(settings(server.port, ', X-Api-Key: $D/key'), {
      files: { token: 'Bearer ours\n', key: 'k' },
    })
    const app = stack
      .open()
      .send(
        'GET /a HTTP/1.1\r\nHost: a\r\nauthorization: theirs\r\nX_API_KEY: theirs\r\nx-api-key: theirs\r\n\r\n',
      )
    await app.hears('\r\n\r\nGET')
    assert.deepEqual(app.received.match(/^(?:authorization|x.api.key):.*$/gim), [
      'Authorization: Bearer ours',
      'X-Api-Key: k',
    ])
  })

  it('are followed: the next request has the new value, and no connection is closed for it', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(settings(server.port), { files: { token: 'one' } })
    const app = await stack.open().send(GET).hears('Authorization: one')
    await replace(stack, 'token', 'two\r\n')
    await eventually('the new value', async () => {
      app.received = ''
      await app.send(GET).hears('\r\n\r\nGET')
      return app.received.includes('Authorization: two\r\n')
    })
    assert.equal(server.sockets.filter((socket) => socket.bytesRead > 0).length, 1)
  })

  for (const [what, text] of [
    ['empty', '\n'],
    ['two lines', 'a\nb'],
    ['a control character', 'a\u0007'],
    ['not ASCII', 'schlüssel'],
    ['a space at its end', 'a '],
    ['too long', 'a'.repeat(9_000)],
  ] as const)
    it(`that have ${what} are refused at start, and later the old ones stay`, async () => {
      await using server = await partner(mirror, pair)
      const start = wayOutStack(settings(server.port), { files: { token: text } })
      await assert.rejects(start, (error: Error & { exitCode?: number; hint?: string }) => {
        assert.equal(error.exitCode, 78)
        assert.match(error.message, /the credential in .*token (is empty|has |begins or ends)/)
        return true
      })
      await using stack = await wayOutStack(settings(server.port), { files: { token: 'good' } })
      await replace(stack, 'token', text)
      await eventually('the refusal', () => outgoingOf(stack).credentials?.lastFailure != null)
      await stack.open().send(GET).hears('Authorization: good')
    })
})

describe('files of the way out that are missing or bad at start', () => {
  it('are all listed, and end the process with 78; --check says the same', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('ca.crt'), 'nothing')
    await writeFile(
      directory.at('sidecar.yaml'),
      `routes:
  - {name: a, kind: http, listen: "unix:${directory.at('a.sock')}", upstream: "tcp://h:1", allow: [GET /a],
     upstreamTls: {ca: ${directory.at('ca.crt')}}}
  - {name: b, kind: http, listen: "unix:${directory.at('b.sock')}", upstream: "tcp://h:1", allow: [GET /a],
     upstreamTls: {}, credentials: {authorization: ${directory.at('missing')}}}
  - {name: c, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "tcp://h:1",
     tls: {certificate: ${directory.at('no.crt')}, key: ${pair.keyFile}},
     upstreamTls: {certificate: ${pair.certFile}, key: ${ca.certFile}}}
`,
    )
    for (const args of [[], ['--check']]) {
      const { code, error: text } = await runSidecar(
        { SIDECAR_CONFIG: directory.at('sidecar.yaml') },
        ...args,
      )
      assert.equal(code, 78)
      assert.match(text, /ca.crt has no certificate/)
      assert.match(text, /credentials.authorization is .*missing.*cannot be read/)
      assert.match(text, /tls.certificate is .*no.crt/)
      assert.match(text, /has no private key that can be read/)
    }
  })

  it('that vanish later change nothing', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: $D/ca.crt}, credentials: {cookie: $D/cookie}`,
      { files: { 'ca.crt': ca.cert, cookie: 'a=b' } },
    )
    await rm(stack.directory.at('cookie'))
    await rm(stack.directory.at('ca.crt'))
    await eventually('both refusals', () => outgoingOf(stack).counters.reloadFailures === 2)
    await stack.open().send(GET).hears('cookie: a=b')
  })
})

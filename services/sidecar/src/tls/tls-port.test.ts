import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import {
  makePair,
  type SecretDirectory,
  secretDirectory,
  type TestPair,
  tlsConversation,
  tlsText,
} from '../testing/certificates.ts'
import { Conversation } from '../testing/conversation.ts'
import { GET, httpStack, OK } from '../testing/http-stack.ts'
import { mirror, rawServer, responding } from '../testing/raw-server.ts'
import { opsPortOf, portOf, sidecarWith } from '../testing/sidecar-with.ts'

const run = promisify(execFile)
const CLOSING_GET = 'GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'

let pair: TestPair
before(async () => {
  pair = await makePair()
})

/** A sidecar with a stream route with TLS and its echo upstream. */
async function streamStack(secret: SecretDirectory) {
  const directory = await tempDirectory()
  const server = await rawServer(directory.at('u'), (socket) => socket.pipe(socket))
  const sidecar = await sidecarWith(
    `{drain: 500ms, routes: [{name: s, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", ${tlsText(secret)}}]}`,
  )
  return {
    port: portOf(sidecar),
    sidecar,
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** Runs `openssl s_client` with `input`. @returns what it prints, and its exit code */
async function sClient(port: number, input: string, ...args: string[]) {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-ign_eof', ...args])
  child.stdin.on('error', () => undefined).end(input)
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (child.exitCode === null) await once(child, 'exit')
  return { output: output + errors, code: child.exitCode }
}

describe('an HTTP route with TLS', () => {
  it('serves node:tls in TLS 1.2 and 1.3, and tells the app that it was https', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(mirror, tlsText(secret))
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      using client = tlsConversation(portOf(stack.sidecar), pair, {
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      })
      await client.send(GET).hears('X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: https\r\n')
      assert.equal(client.socket.getProtocol(), version)
      assert.equal(client.socket.alpnProtocol, 'http/1.1')
    }
  })

  it('serves curl', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    await using directory = await tempDirectory()
    await writeFile(directory.at('ca'), pair.cert)
    const url = `https://localhost:${portOf(stack.sidecar)}/a`
    const { stdout } = await run('curl', ['--silent', '--show-error', '--cacert', directory.at('ca'), url])
    assert.equal(stdout, 'ok')
  })

  it('serves openssl s_client, with ALPN http/1.1 and without', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    for (const args of [['-tls1_2'], ['-tls1_3'], ['-alpn', 'http/1.1']]) {
      const { output } = await sClient(portOf(stack.sidecar), CLOSING_GET, ...args)
      assert.match(output, /HTTP\/1\.1 200 OK/, args.join(' '))
    }
  })

  it('fails the handshake of a client that offers only h2, and counts it', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const { output } = await sClient(portOf(stack.sidecar), CLOSING_GET, '-alpn', 'h2')
    assert.match(output, /alert no application protocol/)
    assert.equal(stack.sidecar.routes[0]?.tls?.counters.handshakeFailures.get('alpn'), 1)
  })

  it('fails the handshake of a client that is below minVersion, and counts it', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret, 'minVersion: TLSv1.3'))
    const { output } = await sClient(portOf(stack.sidecar), CLOSING_GET, '-tls1_2')
    assert.match(output, /alert protocol version/)
    assert.equal(stack.sidecar.routes[0]?.tls?.counters.handshakeFailures.get('version'), 1)
  })

  it('refuses renegotiation', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const { output } = await sClient(portOf(stack.sidecar), `R\n${CLOSING_GET}`, '-tls1_2', '-no_ign_eof')
    assert.match(output, /no renegotiation/)
  })

  it('takes no place for a client that does not trust the certificate, and counts it', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const other = await makePair()
    using client = tlsConversation(portOf(stack.sidecar), other)
    await client.toItsEnd()
    assert.equal(client.ending, 'DEPTH_ZERO_SELF_SIGNED_CERT')
    const failures = stack.sidecar.routes[0]?.tls?.counters.handshakeFailures
    const lost = () => (failures?.get('closed') ?? 0) + (failures?.get('rejected_by_client') ?? 0)
    await eventually('the handshake to be counted', () => lost() === 1)
  })

  it('responds to plain HTTP with 400 tls_required', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const client = stack.open().send(GET)
    const response = await client.toItsEnd()
    assert.match(response, /^HTTP\/1\.1 400 Bad Request\r\nContent-Type: application\/problem\+json\r\n/)
    assert.match(response, /"code":"tls_required".*"hint":"use https:/)
    assert.equal(stack.failures('tls_required'), 1)
    assert.equal(stack.responses(400), 1)
    assert.equal(stack.sidecar.routes[0]?.tls?.counters.handshakeFailures.get('plain_http'), 1)
    assert.equal(stack.connections.length, 0)
  })

  it('gives the response to a plain client that half-closes after its request', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const client = stack.open()
    client.socket.end(GET)
    assert.match(await client.toItsEnd(), /"code":"tls_required"/)
  })

  it('does not count a connection that ends without a byte', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await httpStack(responding(OK), tlsText(secret))
    const probe = stack.open()
    await once(probe.socket, 'connect')
    probe.socket.end()
    await probe.toItsEnd()
    const counts = [...(stack.sidecar.routes[0]?.tls?.counters.handshakeFailures.values() ?? [])]
    assert.ok(counts.every((count) => count === 0))
  })

  it('streams large bodies in both directions', async () => {
    await using secret = await secretDirectory(pair)
    const size = 4_000_000
    const body = 'x'.repeat(size)
    let received = 0
    await using stack = await httpStack((dialogue) => {
      received += dialogue.received.length
      dialogue.received = ''
      if (received > size) dialogue.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${body}`)
    }, tlsText(secret))
    using client = tlsConversation(portOf(stack.sidecar), pair)
    client.send(`POST /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n${body}`)
    const response = await client.toItsEnd()
    assert.equal(response.length - response.indexOf('\r\n\r\n') - 4, size)
  })

  it('resets the connection when the upstream cuts a response: it never ends like a whole one', async () => {
    await using secret = await secretDirectory(pair)
    const cut = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'
    await using stack = await httpStack(({ socket }) => socket.end(cut), tlsText(secret))
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      using client = tlsConversation(portOf(stack.sidecar), pair, { maxVersion })
      client.send(GET)
      await client.toItsEnd()
      assert.equal(client.ending, 'ECONNRESET', maxVersion)
    }
  })

  it('finishes the response in progress when it drains, with Connection: close', async () => {
    await using secret = await secretDirectory(pair)
    const waiting: (() => void)[] = []
    await using stack = await httpStack(({ socket }) => {
      waiting.push(() => socket.write(OK))
    }, tlsText(secret))
    using client = tlsConversation(portOf(stack.sidecar), pair)
    client.send(GET)
    await eventually('the request to arrive', () => waiting.length === 1)
    const closed = stack.sidecar[Symbol.asyncDispose]()
    waiting[0]?.()
    assert.match(await client.toItsEnd(), /Connection: close.*ok$/s)
    await closed
  })
})

describe('a stream route with TLS', () => {
  it('relays bytes and half-closes', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await streamStack(secret)
    using client = tlsConversation(stack.port, pair)
    const sent = 'y'.repeat(1_000_000)
    client.send(sent)
    client.socket.end()
    assert.equal(await client.toItsEnd(), sent)
    assert.equal(client.ending, 'end')
  })

  it('ends the upstream for a client that ends without close_notify: Node does not tell the two ends apart', async () => {
    await using secret = await secretDirectory(pair)
    await using directory = await tempDirectory()
    let hasEnded = false
    await using _upstream = await rawServer(directory.at('u'), (socket) => {
      socket
        .on('data', (bytes) => socket.write(bytes))
        .once('end', () => {
          hasEnded = true
          socket.end('bye')
        })
    })
    await using sidecar = await sidecarWith(
      `{drain: 0s, routes: [{name: a, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${directory.at('u')}", ${tlsText(secret)}}]}`,
    )
    const raw = connect({ port: portOf(sidecar), host: '127.0.0.1', allowHalfOpen: true })
    const [near, far] = duplexPair() // TLS over a stream, so that ending `raw` sends no alert
    raw.on('error', () => raw.destroy()).on('data', (bytes) => far.write(bytes))
    far.on('data', (bytes) => raw.write(bytes))
    using client = tlsConversation(0, pair, { socket: near })
    await client.send('ping').hears('ping')
    raw.end()
    await client.hears('bye')
    assert.equal(hasEnded, true)
  })

  it('resets a client that does not speak TLS, also one that speaks HTTP', async () => {
    await using secret = await secretDirectory(pair)
    await using stack = await streamStack(secret)
    for (const first of [GET, 'ping\n']) {
      using client = new Conversation(stack.port)
      assert.equal(await client.send(first).toItsEnd(), '')
      assert.equal(client.ending, 'ECONNRESET')
    }
    assert.equal(stack.sidecar.routes[0]?.tls?.counters.handshakeFailures.get('not_tls'), 2)
  })
})

describe('the operations port with TLS', () => {
  it('serves its pages, shows its certificate and those of the routes, and 400 to plain HTTP', async () => {
    await using secret = await secretDirectory(pair)
    const listener = `listen: "tcp://127.0.0.1:0", ${tlsText(secret)}`
    await using sidecar = await sidecarWith(
      `{ops: {${listener}}, routes: [{name: a, kind: stream, upstream: "unix:/nowhere", ${listener}}]}`,
    )
    const page = async (path: string) => {
      using client = tlsConversation(opsPortOf(sidecar), pair)
      return await client
        .send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
        .toItsEnd()
    }
    const expires = Date.UTC(2048, 0, 1) / 1_000
    for (const route of ['a', '(ops)'])
      assert.ok(
        (await page('/metrics')).includes(
          `sidecar_tls_certificate_expiry_timestamp_seconds{route="${route}"} ${expires}\n`,
        ),
      )
    const report = JSON.parse((await page('/routes')).replace(/^.*?\r\n\r\n/s, ''))
    for (const { tls } of [report.ops, report.routes[0]]) {
      assert.equal(tls.certificate, secret.certificate)
      assert.equal(tls.expires, '2048-01-01T00:00:00.000Z')
      assert.equal(tls.lastError, null)
    }
    assert.match(await page('/'), /DNS:localhost, IP Address:127\.0\.0\.1<\/td><td>\d+<\/td><td><time>2048/)
    using plain = new Conversation(opsPortOf(sidecar))
    assert.match(await plain.send(GET).toItsEnd(), /^HTTP\/1\.1 400 .*"code":"tls_required"/s)
  })
})

describe('a TLS session', () => {
  /** Connects once, for a session to resume. */
  async function sessionOf(port: number, version: 'TLSv1.2' | 'TLSv1.3', with_: TestPair): Promise<Buffer> {
    using client = tlsConversation(port, with_, { maxVersion: version })
    let session: Buffer | undefined
    client.socket.on('session', (bytes: Buffer) => {
      session = bytes
    })
    await client.send(GET).hears('ok')
    return eventually('a session', () => session)
  }

  async function isResumed(port: number, session: Buffer, with_: TestPair, version: 'TLSv1.2' | 'TLSv1.3') {
    using client = tlsConversation(port, with_, { session, maxVersion: version })
    await client.send(GET).hears('ok')
    const socket: TLSSocket = client.socket
    return socket.isSessionReused()
  }

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    it(`is resumed on its listener with its certificate, and nowhere else (${version})`, async () => {
      await using secret = await secretDirectory(pair)
      await using stack = await httpStack(responding(OK), tlsText(secret))
      await using other = await httpStack(responding(OK), tlsText(secret))
      const port = portOf(stack.sidecar)
      const session = await sessionOf(port, version, pair)
      assert.equal(await isResumed(port, session, pair, version), true)
      assert.equal(await isResumed(portOf(other.sidecar), session, pair, version), false)
      const next = await makePair()
      await secret.swap(next)
      await stack.sidecar.routes[0]?.tls?.look()
      assert.equal(await isResumed(port, session, next, version), false)
    })
})

import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, OK } from '../testing/http-stack.ts'
import { localResolver, partner, wayOutStack } from '../testing/partner.ts'
import { mirror, responding, silent } from '../testing/raw-server.ts'
import { authorityOf } from './partner.ts'

const NAME = 'api.example.org'
let ca: Authority
let pair: KeyPair
before(async () => {
  ca = await Authority.create()
  pair = await ca.issue({ names: `DNS:${NAME},DNS:other.example.org,IP:127.0.0.1` })
  return () => ca[Symbol.asyncDispose]()
})

const POST = 'POST /v1/charges HTTP/1.1\r\nHost: payments\r\nContent-Length: 2\r\n\r\n{}'

/** The head that a partner received, as `mirror` sends it back. */
function headIn(response: string): string[] {
  return (response.split('\r\n\r\n')[1] ?? '').split('\r\n')
}

describe('the Host of an upstream', () => {
  it('is its host, and its port unless the scheme implies it', () => {
    const at = (host: string, port: number, isTls: boolean) => authorityOf({ kind: 'tcp', host, port }, isTls)
    assert.equal(at('a.b', 443, true), 'a.b')
    assert.equal(at('a.b', 443, false), 'a.b:443')
    assert.equal(at('a.b', 80, true), 'a.b:80')
    assert.equal(at('a.b', 80, false), 'a.b')
    assert.equal(at('::1', 8443, true), '[::1]:8443')
    assert.equal(at('fe80::1%eth0', 443, true), '[fe80::1]')
  })
})

describe('a route from a socket to a partner with TLS', () => {
  it('sends requests with the Host of the partner, over TLS with its name, and nothing about the app', async () => {
    await using server = await partner(mirror, { ...pair, ALPNProtocols: ['h2', 'http/1.1'] })
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    const app = await stack.open().send(POST).hears('Content-Length: 2\r\n\r\n')
    assert.match(app.received, /^HTTP\/1.1 200 OK/)
    assert.deepEqual(headIn(app.received).filter(Boolean), [
      'POST /v1/charges HTTP/1.1',
      `Host: ${NAME}:${server.port}`,
      'Content-Length: 2',
    ])
    const [socket] = server.sockets as TLSSocket[]
    assert.equal(socket?.servername, NAME)
    assert.equal(socket?.alpnProtocol, 'http/1.1')
  })

  it('tells it who asks only where the route says so', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, forwarded: true`,
    )
    const app = await stack.open().send(GET).hears('\r\n\r\nGET')
    assert.match(app.received, /X-Forwarded-For: unknown\r\nX-Forwarded-Proto: http\r\n.*X-Request-Id: /s)
  })

  it('asks for the name in serverName, and sends the Host of upstream', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://127.0.0.1:${server.port}", upstreamTls: {ca: ${ca.certFile}, serverName: other.example.org}`,
    )
    const app = await stack.open().send(GET).hears('\r\n\r\nGET')
    assert.ok(headIn(app.received).includes(`Host: 127.0.0.1:${server.port}`))
    assert.equal((server.sockets[0] as TLSSocket).servername, 'other.example.org')
  })

  it('sends no name to an address, and verifies the address', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://127.0.0.1:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    await stack.open().send(GET).hears('200 OK')
    assert.equal((server.sockets[0] as TLSSocket).servername, false)
    await using other = await partner(mirror, await ca.issue({ names: `DNS:${NAME},IP:127.0.0.2` }))
    await using refused = await wayOutStack(
      `upstream: "tcp://127.0.0.1:${other.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    await refused.open().send(GET).hears('"tls_name_mismatch"')
  })

  it('takes a host with a final dot for the same name', async () => {
    await using server = await partner(mirror, pair)
    const { resolver, asked } = localResolver()
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}.:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
      { resolver },
    )
    await stack.open().send(GET).hears('200 OK')
    assert.equal((server.sockets[0] as TLSSocket).servername, NAME)
    assert.deepEqual([...new Set(asked)], [`${NAME}.`])
  })

  it('tries the next address of a name', async () => {
    await using server = await partner(mirror, pair)
    const { resolver } = localResolver({ [NAME]: ['127.0.0.2', '127.0.0.1'] })
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
      { resolver },
    )
    await stack.open().send(GET).hears('200 OK')
  })

  it('relays a large response whole, also to an app that reads slowly', async () => {
    const body = Buffer.alloc(5_000_000, 'abcdefghij')
    await using server = await partner(({ socket, received }) => {
      if (!received.endsWith('\r\n\r\n')) return
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
      socket.write(body)
    }, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, limits: {responseBufferBytes: 64KiB}`,
    )
    const app = stack.open().send(GET)
    let [reads, isPaused] = [0, false]
    app.socket.on('data', () => {
      reads += 1
      if (isPaused || reads % 8 !== 0) return
      isPaused = true
      app.socket.pause()
      setImmediate(() => {
        isPaused = false
        app.socket.resume()
      })
    })
    const bodyOf = (text: string) => text.slice(text.indexOf('\r\n\r\n') + 4)
    await eventually('the body', () => bodyOf(app.received).length === body.length)
    assert.ok(bodyOf(app.received) === body.toString('latin1'))
  })

  it('uploads a large body whole', async () => {
    const body = 'x'.repeat(2_000_000)
    let got = 0
    await using server = await partner((dialogue) => {
      got += dialogue.received.split('x').length - 1
      dialogue.received = ''
      if (got === body.length) dialogue.socket.write(OK)
    }, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://h:${server.port}", upstreamTls: {ca: ${ca.certFile}, serverName: ${NAME}}`,
    )
    const head = `POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`
    await stack.open().send(head).send(body).hears('200 OK')
  })

  it('bounds the response', async () => {
    await using server = await partner(responding(OK), pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, limits: {responseBytes: 1}`,
    )
    await stack.open().send(GET).hears('"upstream_too_large"')
  })

  it('refuses what its rules do not name, without a connection', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, allow: [POST /v1/charges]`,
    )
    await stack.open().send(GET).hears('"path_not_allowed"')
    await stack.open().send(GET.replace('/a', '/v1/charges')).hears('"method_not_allowed"')
    assert.equal(server.sockets.filter((socket) => socket.bytesRead > 0).length, 0)
  })
})

describe('a route from a socket to a server on TCP without TLS', () => {
  it('sends requests with the Host of the server', async () => {
    await using server = await partner(mirror)
    await using stack = await wayOutStack(`upstream: "tcp://${NAME}:${server.port}"`)
    const app = await stack.open().send(GET).hears('\r\n\r\nGET')
    assert.deepEqual(headIn(app.received).filter(Boolean), [
      'GET /a HTTP/1.1',
      `Host: ${NAME}:${server.port}`,
    ])
  })

  it('says what is wrong when nobody listens, and when the name does not resolve', async () => {
    const server = await partner(silent)
    await server[Symbol.asyncDispose]()
    const { resolver } = localResolver({ missing: [] })
    await using refused = await wayOutStack(`upstream: "tcp://here:${server.port}"`, { resolver })
    await refused.open().send(GET).hears('"connection_refused"')
    await using unknown = await wayOutStack('upstream: "tcp://missing:80"', { resolver })
    const app = await unknown.open().send(GET).hears('"host_unknown"')
    assert.match(app.received, /^HTTP\/1.1 502 .*cannot resolve missing/s)
  })
})

describe('the probes of an upstream on TCP', () => {
  it('are made once in 10 s, however often the pages are read', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    const upstream = stack.sidecar.routes[0]?.upstream
    for (let i = 0; i < 20; i++) assert.equal((await upstream?.probe())?.up, true)
    assert.equal(server.accepted(), 1)
  })

  it('verify the certificate', async () => {
    await using server = await partner(mirror, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://wrong.example.org:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    const state = await stack.sidecar.routes[0]?.upstream?.probe()
    assert.deepEqual([state?.up, state?.lastFailure?.code], [false, 'tls_name_mismatch'])
  })
})

import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, OK } from '../testing/http-stack.ts'
import { localResolver, partner, type WayOutStack, wayOutStack } from '../testing/partner.ts'
import { type OnReceived, responding, silent } from '../testing/raw-server.ts'

const NAME = 'api.example.org'
let ca: Authority
let pair: KeyPair
before(async () => {
  ca = await Authority.create()
  pair = await ca.issue({ names: `DNS:${NAME}` })
  return () => ca[Symbol.asyncDispose]()
})

/** Keeps what it receives, and responds with 200. */
function recording(): { heard: string[]; behaviour: OnReceived } {
  const heard: string[] = []
  return {
    heard,
    behaviour: (dialogue) => {
      if (!dialogue.received.endsWith('\r\n\r\n')) return
      heard.push(dialogue.received)
      dialogue.received = ''
      dialogue.socket.write(OK)
    },
  }
}

function upstreamOf({ sidecar }: WayOutStack) {
  const upstream = sidecar.routes[0]?.upstream
  assert.ok(upstream)
  return upstream
}

async function codeOf(stack: WayOutStack): Promise<string> {
  const { up, lastFailure } = await upstreamOf(stack).probe()
  return up === true ? 'ready' : (lastFailure?.code ?? 'unknown')
}

const READY = 'ready: {get: /-/ready?deep, within: 20s, every: 1h}'

describe('the readiness probe of an upstream on TCP', () => {
  it('goes over TLS with its name, with its Host and the credentials, and nothing about the sidecar', async () => {
    const { heard, behaviour } = recording()
    await using server = await partner(behaviour, { ...pair, ALPNProtocols: ['h2', 'http/1.1'] })
    const credentials = 'credentials: {authorization: $D/token, x-api-key: $D/key}'
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, ${credentials}, ${READY}`,
      { files: { token: 'Bearer a: secret\n', key: 'the-key' } },
    )
    assert.equal(await codeOf(stack), 'ready')
    assert.deepEqual(heard, [
      `GET /-/ready?deep HTTP/1.1\r\nHost: ${NAME}:${server.port}\r\nauthorization: Bearer a: secret\r\nx-api-key: the-key\r\nConnection: close\r\n\r\n`,
    ])
    const [socket] = server.sockets as TLSSocket[]
    assert.equal(socket?.servername, NAME)
    assert.equal(stack.sidecar.routes[0]?.counters.latencies.sumSeconds, 0)
  })

  it('goes without TLS where the route has none', async () => {
    const { heard, behaviour } = recording()
    await using server = await partner(behaviour)
    await using stack = await wayOutStack(`upstream: "tcp://${NAME}:${server.port}", ${READY}`)
    assert.equal(await codeOf(stack), 'ready')
    assert.match(
      heard[0] ?? '',
      new RegExp(`^GET /-/ready\\?deep HTTP/1.1\r\nHost: ${NAME}:${server.port}\r\n`),
    )
  })

  it('uses a connection of its own, and leaves those of clients alone', async () => {
    await using server = await partner(responding(OK), pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, limits: {upstreamConnections: 1}, ready: {get: /r, within: 10ms, every: 1h}`,
    )
    await stack.open().send(GET).hears('ok')
    const before = server.accepted()
    await eventually('a probe', async () => {
      await upstreamOf(stack).probe()
      return server.accepted() > before
    })
    await stack.open().send(GET).hears('ok')
    assert.equal(stack.sidecar.routes[0]?.counters.responses.get('GET')?.get(200), 2)
  })

  it('is asked again after within, although a connection of a client has just succeeded', async () => {
    const { heard, behaviour } = recording()
    await using server = await partner(behaviour, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, ready: {get: /r, within: 10ms, every: 1h}`,
    )
    await eventually('the third probe', async () => {
      upstreamOf(stack).reportConnected()
      await upstreamOf(stack).probe()
      return heard.length >= 3
    })
  })

  it('is upstream_hung when a partner accepts, and does not finish the handshake or respond', async () => {
    const within = 'ready: {get: /r, within: 50ms, every: 1h}'
    await using mute = await partner(silent)
    await using noTls = await wayOutStack(
      `upstream: "tcp://${NAME}:${mute.port}", upstreamTls: {ca: ${ca.certFile}}, ${within}`,
    )
    assert.equal(await codeOf(noTls), 'upstream_hung')
    await using noResponse = await wayOutStack(`upstream: "tcp://${NAME}:${mute.port}", ${within}`)
    assert.equal(await codeOf(noResponse), 'upstream_hung')
  })

  it('fails as a request does when the certificate has another name, and sends it nothing', async () => {
    const { heard, behaviour } = recording()
    await using server = await partner(behaviour, pair)
    await using stack = await wayOutStack(
      `upstream: "tcp://other.example.org:${server.port}", upstreamTls: {ca: ${ca.certFile}}, ${READY}`,
    )
    assert.equal(await codeOf(stack), 'tls_name_mismatch')
    assert.deepEqual(heard, [])
  })

  it('dials only addresses that a request may dial', async () => {
    await using server = await partner(responding(OK))
    const { resolver } = localResolver()
    await using stack = await wayOutStack(`upstream: "tcp://${NAME}:${server.port}", ${READY}`, {
      resolver,
      allowAddresses: [],
    })
    assert.equal(await codeOf(stack), 'egress_denied')
    assert.equal(server.accepted(), 0)
  })
})

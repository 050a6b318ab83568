/** Partners with TLS that do what no honest one does, and apps that try to use a connection of somebody else. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { GET, OK } from '../testing/http-stack.ts'
import { partner, type WayOutStack, wayOutStack } from '../testing/partner.ts'
import { type OnReceived, responding, silent } from '../testing/raw-server.ts'

const NAME = 'api.example.org'
let ca: Authority
let pair: KeyPair
before(async () => {
  ca = await Authority.create()
  pair = await ca.issue({ names: `DNS:${NAME}` })
  return () => ca[Symbol.asyncDispose]()
})

function route({ port }: { readonly port: number }, more = ''): Promise<WayOutStack> {
  return wayOutStack(`upstream: "tcp://${NAME}:${port}", upstreamTls: {ca: ${ca.certFile}}${more}`)
}

/** Keeps every request, and calls `respond` when its head is whole. */
function keeping(respond: (socket: TLSSocket) => void) {
  const seen: string[] = []
  const behaviour: OnReceived = (dialogue) => {
    seen.push(dialogue.received)
    const isWhole = dialogue.received.includes('\r\n\r\n')
    dialogue.received = ''
    if (isWhole) respond(dialogue.socket as TLSSocket)
  }
  return { behaviour, seen }
}

describe('a partner', () => {
  it('that asks for another handshake on a connection is refused it', async () => {
    const outcome = Promise.withResolvers<string>()
    const { behaviour } = keeping((socket) => {
      socket.once('error', (error: NodeJS.ErrnoException) => outcome.resolve(String(error.code)))
      socket.renegotiate({}, (error) => outcome.resolve(error === null ? 'done' : String(error)))
    })
    await using server = await partner(behaviour, { ...pair, maxVersion: 'TLSv1.2' })
    await using stack = await route(server)
    const app = stack.open().send(GET)
    assert.equal(await outcome.promise, 'ERR_SSL_NO_RENEGOTIATION')
    await app.hears('"code":"tls_refused"')
  })

  it('that sends its handshake byte by byte has the time of a connection for all of it', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy()).write(Buffer.from('16030300ff', 'hex'))
      const timer = setInterval(() => socket.write('\0'), 10)
      socket.once('close', () => clearInterval(timer))
    }).listen(0, '127.0.0.1')
    await using _closing = server
    await once(server, 'listening')
    await using stack = await route(server.address() as AddressInfo, ', timeouts: {connect: 200ms}')
    await stack.open().send(GET).hears('did not finish the TLS handshake within 200 ms')
    assert.equal(stack.failures('upstream_timeout'), 1)
  })

  it('whose certificate has thousands of names makes no long message', async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `DNS:n${i}.example.org`).join()
    await using server = await partner(silent, await ca.issue({ names }))
    await using stack = await route(server)
    const app = await stack.open().send(GET).hears('}')
    assert.match(app.received, /"code":"tls_name_mismatch"/)
    assert.ok(app.received.length < 1_500, `${app.received.length} bytes`)
  })

  it('that presents another certificate at the next connection is not asked anything', async () => {
    const { behaviour, seen } = keeping((socket) =>
      socket.end(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')),
    )
    await using server = await partner(behaviour, pair)
    await using stack = await route(server)
    await stack.open().send(GET).hears('ok')
    await using other = await Authority.create()
    setContext(server.server, await other.issue({ names: `DNS:${NAME}` }))
    await stack.open().send(GET).hears('"tls_untrusted"')
    setContext(server.server, await ca.issue({ names: 'DNS:evil.example.org' }))
    await stack.open().send(GET).hears('"tls_name_mismatch"')
    assert.equal(seen.length, 1)
  })

  it('that sends a second response with the first is not used again', async () => {
    await using server = await partner(responding(OK + OK.replace('ok', 'no')), pair)
    await using stack = await route(server)
    for (let i = 0; i < 3; i++) {
      const app = await stack.open().send(GET).hears('\r\n\r\nok')
      assert.doesNotMatch(app.received, /\r\n\r\nno/)
    }
    const used = server.sockets.filter(({ bytesRead }) => bytesRead > 0)
    assert.equal(used.length, 3)
  })

  it('that sends a response while nobody has asked has its connection closed', async () => {
    const { behaviour } = keeping((socket) => {
      socket.write(OK)
      idle.resolve(socket)
    })
    const idle = Promise.withResolvers<TLSSocket>()
    await using server = await partner(behaviour, pair)
    await using stack = await route(server, ', timeouts: {upstreamIdle: 5m}')
    await stack.open().send(GET).hears('ok')
    const socket = await idle.promise
    socket.write(OK.replace('ok', 'no'))
    await eventually('the sidecar to close it', () => socket.readableEnded || socket.destroyed)
    const app = await stack.open().send(GET).hears('\r\n\r\nok')
    assert.doesNotMatch(app.received, /no$/)
  })
})

describe('an app', () => {
  it('whose request got an early response cannot append a request of its own to the connection', async () => {
    const { behaviour, seen } = keeping((socket) => socket.write(OK))
    await using server = await partner(behaviour, pair)
    await using stack = await route(server)
    const hostile = stack.open().send('POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nhalf')
    await hostile.hears('ok')
    hostile.send('GET /evil HTTP/1.1\r\nHost: a\r\n\r\n')
    await stack.open().send(GET).hears('ok')
    await hostile.toItsEnd()
    assert.ok(!seen.some((text) => text.includes('/evil')), seen.join())
    assert.ok(server.sockets.filter(({ bytesRead }) => bytesRead > 0).length > 1)
  })

  for (const name of ['Authorization', 'authorization, close', 'Host', 'Content-Length'])
    it(`cannot drop a field of the sidecar by Connection: ${name}`, async () => {
      const { behaviour, seen } = keeping((socket) => socket.write(OK))
      await using server = await partner(behaviour, pair)
      await using stack = await wayOutStack(
        `upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}, credentials: {authorization: $D/token}`,
        { files: { token: 'Bearer abc\n' } },
      )
      await stack
        .open()
        .send(`GET /a HTTP/1.1\r\nHost: a\r\nConnection: ${name}\r\n\r\n`)
        .hears('"bad_request"')
      assert.deepEqual(seen, [])
    })
})

function setContext(server: object, { cert, key }: KeyPair): void {
  if ('setSecureContext' in server && typeof server.setSecureContext === 'function')
    server.setSecureContext({ cert, key })
}

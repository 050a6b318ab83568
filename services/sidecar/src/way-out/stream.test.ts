import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { partner, wayOutStack } from '../testing/partner.ts'
import { silent } from '../testing/raw-server.ts'

const NAME = 'db.example.org'
let ca: Authority
let pair: KeyPair
before(async () => {
  ca = await Authority.create()
  pair = await ca.issue({ names: `DNS:${NAME}` })
  return () => ca[Symbol.asyncDispose]()
})

const kinds = () => [
  { what: 'plain', tls: undefined, settings: '' },
  { what: 'with TLS', tls: pair, settings: `, upstreamTls: {ca: ${ca.certFile}}` },
]

for (const index of [0, 1]) {
  const kind = () => kinds()[index] as ReturnType<typeof kinds>[number]
  describe(`a stream from a socket to a server on TCP, ${index === 0 ? 'plain' : 'with TLS'}`, () => {
    it('relays bytes in both directions', async () => {
      await using server = await partner(({ socket, received }) => socket.write(`<${received}>`), kind().tls)
      await using stack = await wayOutStack(
        `kind: stream, upstream: "tcp://${NAME}:${server.port}"${kind().settings}`,
      )
      await stack.open().send('SELECT 1').hears('<SELECT 1>')
      const [socket] = server.sockets.filter(({ bytesRead }) => bytesRead > 0)
      assert.equal((socket as TLSSocket).servername, index === 0 ? undefined : NAME)
    })

    it('passes on the end of one side, and what the other still sends', async () => {
      await using server = await partner(silent, kind().tls)
      server.server.on(index === 0 ? 'connection' : 'secureConnection', (socket) =>
        socket.once('end', () => socket.end('goodbye')),
      )
      await using stack = await wayOutStack(
        `kind: stream, upstream: "tcp://${NAME}:${server.port}"${kind().settings}`,
      )
      const client = stack.open().send('x')
      client.socket.end()
      assert.equal(await client.toItsEnd(), 'goodbye')
    })

    it('relays many bytes whole, both ways at a time', async () => {
      await using server = await partner((dialogue) => {
        dialogue.socket.write(dialogue.received, 'latin1')
        dialogue.received = ''
      }, kind().tls)
      await using stack = await wayOutStack(
        `kind: stream, upstream: "tcp://${NAME}:${server.port}"${kind().settings}`,
      )
      const bytes = Buffer.from(Array.from({ length: 1_500_000 }, (_, at) => (at * 7 + (at >> 9)) & 0xff))
      const client = stack.open()
      client.send(bytes)
      await eventually('the echo', () => client.received.length === bytes.length)
      assert.ok(client.received === bytes.toString('latin1'))
    })

    it('is cut, and counted, when nobody listens', async () => {
      const server = await partner(silent)
      await server[Symbol.asyncDispose]()
      await using stack = await wayOutStack(
        `kind: stream, upstream: "tcp://${NAME}:${server.port}"${kind().settings}`,
      )
      await stack.open().toItsEnd()
      assert.equal(stack.failures('connection_refused'), 1)
    })
  })
}

describe('a stream with TLS', () => {
  it('sends nothing to a server that it does not trust', async () => {
    await using server = await partner(silent, await ca.issue({ names: 'DNS:other.example.org' }))
    await using stack = await wayOutStack(
      `kind: stream, upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    const client = stack.open().send('secret')
    await client.toItsEnd()
    assert.equal(stack.failures('tls_name_mismatch'), 1)
    assert.ok(server.sockets.every((socket) => socket.bytesRead === 0))
  })

  it('takes the bytes that a server sends at once', async () => {
    await using server = await partner(silent, pair)
    server.server.on('secureConnection', (socket) => socket.end('hello'))
    await using stack = await wayOutStack(
      `kind: stream, upstream: "tcp://${NAME}:${server.port}", upstreamTls: {ca: ${ca.certFile}}`,
    )
    const client = stack.open()
    client.socket.end()
    assert.equal(await client.toItsEnd(), 'hello')
  })
})

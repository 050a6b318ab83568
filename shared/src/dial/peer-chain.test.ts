import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { createServer, TLSSocket } from 'node:tls'
import { Authority } from '../testing/authority.ts'
import { dial } from './dial.ts'
import { tlsContext } from './dial-tls.ts'
import { peerChain } from './peer-chain.ts'

const MiB = 1_048_576
const CONNECTIONS = 256
/** About 70 kB: OpenSSL refuses more than 100 kB. Parsed, they cost about 1 MiB. */
const LONG = 220

/** A server whose certificate is followed by `count` others that do not belong to it. */
async function serverWith(authority: Authority, count: number) {
  const { cert, key } = await authority.issue()
  const { cert: other } = await authority.selfSigned()
  const server = createServer({ cert: [cert, ...Array.from({ length: count }, () => other)].join('\n'), key })
  server.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()).resume())
  server.on('tlsClientError', () => undefined).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const endpoint = { kind: 'tcp', host: '127.0.0.1', port } as const
  return { endpoint, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

describe('the chain of the other end', () => {
  it('begins with its certificate, goes on with its issuers, and has at most so many', async () => {
    await using authority = await Authority.create()
    await using server = await serverWith(authority, 0)
    const tls = { context: tlsContext({ ca: authority.cert }) }
    const socket = await dial(server.endpoint, { tls, timeoutMs: 60_000 })
    assert.ok(socket instanceof TLSSocket)
    const chain = peerChain(socket, 10)
    assert.deepEqual(
      chain.map(({ ca }) => ca),
      [false, true],
    )
    assert.ok(chain[1] && chain[0]?.verify(chain[1].publicKey))
    assert.deepEqual(
      peerChain(socket, 1).map(({ raw }) => raw),
      [chain[0]?.raw],
    )
    socket.destroy()
  })

  for (const isTrusted of [true, false])
    it(`of ${LONG} certificates, costs no memory after a dial that ${isTrusted ? 'succeeds' : 'fails'}`, async () => {
      await using authority = await Authority.create()
      await using stranger = await Authority.create()
      await using server = await serverWith(authority, LONG)
      const tls = { context: tlsContext({ ca: (isTrusted ? authority : stranger).cert }) }
      const connect = async () => {
        try {
          const socket = await dial(server.endpoint, { tls, timeoutMs: 60_000 })
          socket.destroy()
          await once(socket, 'close')
        } catch (error) {
          assert.ok(!isTrusted, `${error}`)
        }
      }
      for (let i = 0; i < 32; i++) await connect() // what Node compiles and keeps does not count
      const before = process.memoryUsage.rss()
      for (let i = 0; i < CONNECTIONS; i++) await connect()
      const grown = process.memoryUsage.rss() - before
      assert.ok(grown < 64 * MiB, `${grown} bytes more`)
    })
})

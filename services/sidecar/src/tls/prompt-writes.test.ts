import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { before, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { makePair, type TestPair } from '../testing/certificates.ts'
import { writePromptly } from './prompt-writes.ts'

const CHUNK = Buffer.alloc(65_536, 'x')
/** More than the kernel's buffers of both sockets take. */
const MAX_CHUNKS = 2_000

let pair: TestPair
before(async () => {
  pair = await makePair()
})

/** Bytes that the kernel has not taken. */
function queued(raw: Socket): unknown {
  return Reflect.get(Object(Reflect.get(raw, '_handle')), 'writeQueueSize')
}

/** A server on a port; `secured` resolves with its side of the first connection, which writes promptly. */
async function listening() {
  const { promise: secured, resolve } = Promise.withResolvers<{ client: TLSSocket; raw: Socket }>()
  const tls = createTlsServer({ cert: pair.cert, key: pair.key })
  const server = createServer((raw) => {
    tls.once('secureConnection', (client) => {
      writePromptly(client)
      setImmediate(resolve, { client, raw })
    })
    tls.emit('connection', raw)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    secured,
    [Symbol.dispose]: () => void server.close(),
  }
}

/** Both sides of a connection. */
async function connected() {
  const server = await listening()
  const peer = connect({ port: server.port, host: '127.0.0.1', ca: pair.cert }).pause()
  const { client, raw } = await server.secured
  return {
    client,
    raw,
    peer,
    [Symbol.dispose]() {
      for (const socket of [client, peer]) socket.destroy()
      server[Symbol.dispose]()
    },
  }
}

describe('a write to a TLS socket', () => {
  it('is done at once when the kernel has taken it', async () => {
    using both = await connected()
    both.client.write(CHUNK)
    assert.equal(both.client.writableLength, 0)
  })

  it('is not done while the peer does not read, and arrives when it does', async () => {
    using both = await connected()
    const { client, peer, raw } = both
    let chunks = 0
    for (; queued(raw) === 0 && chunks < MAX_CHUNKS; chunks++) {
      client.write(CHUNK)
      if (queued(raw) !== 0) assert.ok(client.writableLength > 0)
      await nextTurn()
    }
    assert.notEqual(queued(raw), 0, `${chunks} chunks were taken without a reader`)
    assert.ok(client.writableLength > 0)
    client.end()
    assert.equal((await buffer(peer)).length, chunks * CHUNK.length)
  })

  it('keeps its place among many in one turn', async () => {
    using both = await connected()
    const numbers = Array.from({ length: 1_000 }, (_, i) => `${i}\n`)
    for (const number of numbers) both.client.write(number)
    both.client.end()
    assert.equal(await text(both.peer), numbers.join(''))
  })

  it('comes before the close_notify of an end in the same turn, which is not lost', async () => {
    using server = await listening()
    const args = ['s_client', '-quiet', '-connect', `127.0.0.1:${server.port}`]
    const openssl = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const { client } = await server.secured
    client.write(CHUNK)
    client.end()
    const [received, errors] = await Promise.all([buffer(openssl.stdout), text(openssl.stderr)])
    assert.equal(received.length, CHUNK.length)
    assert.doesNotMatch(errors, /unexpected eof/)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { LARGE_BYTES, type Taker } from './large-buffers.ts'
import { ReadBuffer, readCopies, readInto, SharedBuffers } from './read-buffer.ts'

/** A socket that has taken all bytes, and one that has not. */
const QUICK = { writableLength: 0, destroyed: false }
const SLOW = { writableLength: 1, destroyed: false }

describe('a read buffer', () => {
  it('is reused after a read that did not fill it', () => {
    const buffer = new ReadBuffer()
    const { bytes } = buffer
    buffer.prepare(100, QUICK, true)
    assert.equal(buffer.bytes, bytes)
  })

  it('is replaced by a new one of the same size while its bytes are in use', () => {
    const buffer = new ReadBuffer()
    const { bytes } = buffer
    buffer.prepare(100, SLOW, true)
    assert.notEqual(buffer.bytes, bytes)
    assert.equal(buffer.bytes.length, bytes.length)
  })

  it('is kept while its bytes are in use when no read comes before they are written', () => {
    const buffer = new ReadBuffer()
    const { bytes } = buffer
    buffer.prepare(100, SLOW, false)
    assert.equal(buffer.bytes, bytes)
  })

  it('grows to almost 64 KiB while reads fill it, and shrinks to 16 KiB when they do not', () => {
    const buffer = new ReadBuffer()
    const sizes = [buffer.bytes.length]
    for (let read = 0; read < 3; read++) {
      buffer.prepare(buffer.bytes.length, QUICK, true)
      sizes.push(buffer.bytes.length)
    }
    buffer.prepare(1, QUICK, true)
    assert.deepEqual([...sizes, buffer.bytes.length], [4_096, 16_384, LARGE_BYTES, LARGE_BYTES, 16_384])
  })
})

describe('a read buffer with shared ones', () => {
  /** A read of `count` bytes `x`. @returns what it has left for a write */
  function read(buffer: ReadBuffer, count: number, to: Taker = QUICK, goesOn = true): Buffer {
    buffer.bytes.fill('x', 0, count)
    const taken = buffer.take(count)
    buffer.prepare(count, to, goesOn)
    return taken
  }

  it('has a buffer of its own only from a read that fills it to one below 16 KiB', () => {
    const shared = new SharedBuffers()
    const buffer = new ReadBuffer(shared)
    const isOwn = [1, LARGE_BYTES - 1, LARGE_BYTES, LARGE_BYTES, 16_384, 16_383, LARGE_BYTES - 1].map(
      (count) => {
        read(buffer, count)
        return buffer.bytes !== shared.bytes
      },
    )
    assert.deepEqual(isOwn, [false, false, true, true, true, false, false])
  })

  it('leaves bytes for a write that the read of another connection does not change', () => {
    const shared = new SharedBuffers()
    const [one, other] = [new ReadBuffer(shared), new ReadBuffer(shared)]
    const taken = read(one, 5, SLOW)
    other.bytes.fill('y', 0, 5)
    const second = other.take(5)
    assert.deepEqual([String(taken), String(second)], ['xxxxx', 'yyyyy'])
  })

  it('allocates nothing for small reads whose bytes are written at once', () => {
    const buffer = new ReadBuffer(new SharedBuffers())
    assert.equal(read(buffer, 5).buffer, read(buffer, 11_264).buffer)
    assert.notEqual(read(buffer, 5, SLOW).buffer, read(buffer, 5).buffer)
  })

  it('is replaced while bytes of a large read are in use, unless the next read comes after they are written', () => {
    const buffer = new ReadBuffer(new SharedBuffers())
    read(buffer, LARGE_BYTES)
    const { bytes } = buffer
    read(buffer, LARGE_BYTES, SLOW, false)
    assert.equal(buffer.bytes, bytes)
    read(buffer, LARGE_BYTES, SLOW, true)
    assert.notEqual(buffer.bytes, bytes)
  })

  it('allocates nothing for large reads from a socket that takes its bytes a little later', () => {
    const buffer = new ReadBuffer(new SharedBuffers())
    const used = new Set<ArrayBufferLike>()
    for (let count = 0; count < 100; count++) {
      const to = { writableLength: LARGE_BYTES, destroyed: false }
      used.add(read(buffer, LARGE_BYTES, to).buffer)
      to.writableLength = 0
    }
    assert.ok(used.size < 5, `${used.size} buffers`)
  })
})

/** Both ends of a connection over TCP: that of the client, and the accepted one. */
async function pairOfSockets(): Promise<{ client: Socket; accepted: Socket } & Disposable> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const client = connect(address.port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  return {
    client,
    accepted,
    [Symbol.dispose]() {
      for (const socket of [client, accepted]) socket.destroy()
      server.close()
    },
  }
}

describe('an accepted socket', () => {
  it('reads into a buffer of ours, pauses when told, and ends', async () => {
    using both = await pairOfSockets()
    const bytes = Buffer.alloc(4)
    let received = ''
    const callback = (count: number) => {
      received += bytes.toString('latin1', 0, count)
      return received !== 'abcd'
    }
    both.accepted.on('data', () => assert.fail('it emits data'))
    readInto(both.accepted, { buffer: () => bytes, callback })
    both.client.end('abcdefgh')
    const ended = once(both.accepted, 'end')
    await eventually('the first read', () => received !== '')
    await nextTurn()
    assert.equal(received, 'abcd')
    both.accepted.resume()
    await ended
    assert.equal(received, 'abcdefgh')
  })

  it('still emits the bytes that it has read before', async () => {
    using both = await pairOfSockets()
    both.client.write('early')
    both.accepted.read(0)
    await eventually('bytes to be read', () => both.accepted.readableLength > 0)
    readInto(both.accepted, { buffer: Buffer.alloc(9), callback: () => true })
    const [early] = await once(both.accepted, 'data')
    assert.equal(String(early), 'early')
  })
})

describe('clients that read into one buffer', () => {
  it('each get bytes that the next read does not change', async () => {
    using one = await pairOfSockets()
    using other = await pairOfSockets()
    const shared = new SharedBuffers()
    const received: Buffer[] = []
    for (const { accepted } of [one, other]) readCopies(accepted, shared, (chunk) => received.push(chunk))
    one.accepted.resume()
    other.accepted.resume()
    one.client.write('first')
    await eventually('the first bytes', () => received.length === 1)
    other.client.write('other')
    await eventually('the other bytes', () => received.length === 2)
    assert.deepEqual(received.map(String), ['first', 'other'])
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { readAll } from '../testing/conversation.ts'
import { rawServer } from '../testing/raw-server.ts'
import { portOf, sidecarWith } from '../testing/sidecar-with.ts'

const MEBIBYTE = 1_048_576

function streamTo(path: string, bounds = ''): Promise<Sidecar> {
  return sidecarWith(`
drain: 200ms
routes:
  - {name: s, kind: stream, listen: "tcp://127.0.0.1:0", upstream: "unix:${path}", ${bounds}}
`)
}

function clientOf(sidecar: Sidecar): Socket {
  return connect({ port: portOf(sidecar), host: '127.0.0.1', allowHalfOpen: true })
}

function failures(sidecar: Sidecar, code: FailureCode): number {
  return sidecar.routes[0]?.counters.failures.get(code) ?? 0
}

/** The byte at a position of the test data: the same within a block of 64 KiB, and different in the next block. */
function byteAt(position: number): number {
  return (position / 65_536) & 255
}

function isAsSent(chunk: Buffer, from: number): boolean {
  return chunk.every((byte, i) => byte === byteAt(from + i))
}

/** The error code that the connection ends with. */
async function errorOf(socket: Socket): Promise<string> {
  const [error] = await once(socket.resume(), 'error')
  return error.code
}

describe('a stream route', () => {
  it('relays megabytes in both directions unchanged', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/s`, (socket) => socket.pipe(socket))
    await using sidecar = await streamTo(`${run.path}/s`)
    const sent = randomBytes(8 * MEBIBYTE)
    const client = clientOf(sidecar)
    client.end(sent)
    assert.ok(sent.equals(await readAll(client)))
  })

  it('relays the end of the client before the upstream responds', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/s`, async (socket) => {
      socket.end(`got ${await readAll(socket)}`)
    })
    await using sidecar = await streamTo(`${run.path}/s`)
    const client = clientOf(sidecar)
    client.end('all')
    assert.equal(`${await readAll(client)}`, 'got all')
  })

  it('relays the end of a client that sends nothing, also when it comes before the upstream is connected', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/s`, async (socket) => {
      socket.end(`got ${(await readAll(socket)).length} bytes`)
    })
    await using sidecar = await streamTo(`${run.path}/s`)
    const client = clientOf(sidecar)
    client.end()
    assert.equal(`${await readAll(client)}`, 'got 0 bytes')
  })

  it('relays the end of the upstream while the client is still sending', async () => {
    await using run = await tempDirectory()
    const late = Promise.withResolvers<string>()
    await using _ = await rawServer(`${run.path}/s`, async (socket) => {
      socket.end('bye')
      const rest = `${await readAll(socket)}`
      if (rest !== '') late.resolve(rest)
    })
    await using sidecar = await streamTo(`${run.path}/s`)
    const client = clientOf(sidecar)
    assert.equal(`${await readAll(client)}`, 'bye')
    client.end('one more thing')
    assert.equal(await late.promise, 'one more thing')
  })

  for (const { pieces, bytes, totalBytes } of [
    { pieces: 'a flood', bytes: 65_536, totalBytes: 64 * MEBIBYTE },
    { pieces: 'many small pieces', bytes: 2_048, totalBytes: 32 * MEBIBYTE },
  ])
    it(`makes an upstream wait that sends ${pieces} while the client does not read, and loses nothing`, async () => {
      await using run = await tempDirectory()
      let sent = 0
      const pump = async (socket: Socket) => {
        while (sent < totalBytes) {
          const goesOn = socket.write(Buffer.alloc(bytes, byteAt(sent)))
          sent += bytes
          await (goesOn ? setImmediate() : once(socket, 'drain')) // each piece may be read by itself
        }
        socket.end()
      }
      await using _ = await rawServer(`${run.path}/s`, (socket) => socket.once('data', () => pump(socket)))
      await using sidecar = await streamTo(`${run.path}/s`)
      const client = clientOf(sidecar)
      client.write('go')
      const steady = { sent: 0, looks: 0 } // counts polls instead of time: before each one the relay could have read
      await eventually('the upstream to be held back', () => {
        if (steady.sent !== sent) Object.assign(steady, { sent, looks: 0 })
        return sent > 0 && steady.looks++ > 20
      })
      assert.ok(sent < totalBytes / 2, `${sent} bytes were read from the upstream`)
      let received = 0
      for await (const chunk of client) {
        assert.ok(isAsSent(chunk, received), `other bytes than were sent from ${received} on`)
        received += chunk.length
      }
      assert.equal(received, totalBytes)
    })
})

describe('a stream route resets its client, and counts', () => {
  it('socket_missing when there is no file at the path', async () => {
    await using run = await tempDirectory()
    await using sidecar = await streamTo(`${run.path}/s`)
    assert.equal(await errorOf(clientOf(sidecar)), 'ECONNRESET')
    assert.equal(failures(sidecar, 'socket_missing'), 1)
  })

  it('not_a_socket when there is a regular file at the path', async () => {
    await using run = await tempDirectory()
    await writeFile(`${run.path}/s`, '')
    await using sidecar = await streamTo(`${run.path}/s`)
    assert.equal(await errorOf(clientOf(sidecar)), 'ECONNRESET')
    assert.equal(failures(sidecar, 'not_a_socket'), 1)
  })

  it('upstream_reset when the upstream resets', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/s`, (socket) =>
      socket.once('readable', () => socket.destroy()),
    )
    await using sidecar = await streamTo(`${run.path}/s`)
    const client = clientOf(sidecar)
    client.write(Buffer.alloc(MEBIBYTE))
    assert.equal(await errorOf(client), 'ECONNRESET')
    await eventually('the failure to be counted', () => failures(sidecar, 'upstream_reset') === 1)
  })

  it('client_timeout when no byte was sent for timeouts.idle', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/s`, () => undefined)
    await using sidecar = await streamTo(`${run.path}/s`, 'timeouts: {idle: 100ms}')
    assert.equal(await errorOf(clientOf(sidecar)), 'ECONNRESET')
    await eventually('the failure to be counted', () => failures(sidecar, 'client_timeout') === 1)
  })

  it('overloaded when all limits.connections are in use, and accepts again when one is free', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/s`, (socket) => socket.pipe(socket))
    await using sidecar = await streamTo(`${run.path}/s`, 'limits: {connections: 1}')
    const first = clientOf(sidecar)
    first.write('ping')
    assert.equal(String((await once(first, 'data'))[0]), 'ping')
    assert.equal(await errorOf(clientOf(sidecar)), 'ECONNRESET')
    assert.equal(failures(sidecar, 'overloaded'), 1)
    first.end()
    await eventually('the place to be free', () => sidecar.routes[0]?.counters.connectionsOpen === 0)
    const third = clientOf(sidecar)
    third.end('pong')
    assert.equal(`${await readAll(third)}`, 'pong')
  })

  it('draining when a connection is still in use after the drain', async () => {
    await using run = await tempDirectory()
    await using _ = await rawServer(`${run.path}/s`, (socket) => socket.pipe(socket))
    const sidecar = await streamTo(`${run.path}/s`)
    const client = clientOf(sidecar)
    client.write('ping')
    await once(client, 'data')
    const ended = errorOf(client)
    await sidecar[Symbol.asyncDispose]()
    assert.equal(await ended, 'ECONNRESET')
    assert.equal(failures(sidecar, 'draining'), 1)
  })
})

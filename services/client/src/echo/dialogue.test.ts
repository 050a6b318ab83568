import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { type AbstractEndpoint, nodeAddress } from '@uds-sidecar/shared/endpoint/endpoint'
import fc from 'fast-check'
import { dialogue, linesOf } from './dialogue.ts'

async function serve(handler: (socket: Socket) => void) {
  const endpoint: AbstractEndpoint = { kind: 'abstract', name: `dialogue-${process.pid}-${Math.random()}` }
  const server = createServer(handler).listen(nodeAddress(endpoint))
  await once(server, 'listening')
  return { endpoint, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

describe('dialogue', () => {
  it('against an echo server returns one line for each line', async () => {
    await using server = await serve((socket) => socket.pipe(socket))
    assert.deepEqual(await dialogue(server.endpoint, ['one', 'two']), ['one', 'two'])
  })

  it('against a server that closes after one line says after how many lines', async () => {
    await using server = await serve((socket) => socket.once('data', () => socket.end('one\n')))
    await assert.rejects(dialogue(server.endpoint, ['one', 'two']), {
      code: 'upstream_reset',
      message: /after 1 of 2 lines/,
    })
  })

  it('against a server that never responds gives up at the deadline', async () => {
    await using server = await serve((socket) => socket.resume())
    await assert.rejects(dialogue(server.endpoint, ['one'], 50), { code: 'upstream_timeout' })
  })

  it('whose deadline passes while it connects, gives up too', async () => {
    await using server = await serve((socket) => socket.resume())
    const { endpoint } = server
    // Blocks after the deadline of the dialogue has begun, and before that of its dial does.
    const late: AbstractEndpoint = {
      kind: 'abstract',
      get name() {
        for (const end = performance.now() + 100; performance.now() < end; );
        return endpoint.name
      },
    }
    await assert.rejects(dialogue(late, ['one'], 50), { code: 'upstream_timeout' })
  })
})

it('linesOf yields the same lines wherever the bytes are split', async () => {
  const cut = fc.record({ text: fc.string({ unit: 'grapheme' }), at: fc.array(fc.nat(40)) })
  await fc.assert(
    fc.asyncProperty(cut, async ({ text, at }) => {
      const lines: string[] = []
      for await (const line of linesOf(Readable.from(pieces(Buffer.from(text), at)))) lines.push(line)
      assert.deepEqual(lines, expected(text))
    }),
  )
})

function expected(text: string): string[] {
  const lines = text.split('\n')
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines
}

function pieces(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.map((n) => Math.min(n, bytes.length)).sort((a, b) => a - b), bytes.length]
  return cuts
    .slice(1)
    .map((end, i) => bytes.subarray(cuts[i], end))
    .filter((piece) => piece.length > 0)
}

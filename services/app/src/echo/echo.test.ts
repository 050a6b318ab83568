import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Duplex, duplexPair } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { listen } from '@uds-sidecar/shared/listen/listen'
import fc from 'fast-check'
import { MAX_LINE_BYTES } from './echo-lines.ts'
import { createEchoServer, handleEcho } from './echo-server.ts'

/** One way to reach the echo handler; the tests below know nothing else of it. */
interface Transport extends AsyncDisposable {
  connect(): Promise<Duplex>
  readonly drain: AbortController
}

function inMemory(): Transport {
  const drain = new AbortController()
  return {
    drain,
    async connect() {
      const [ours, theirs] = duplexPair()
      handleEcho(theirs, drain.signal)
      return ours
    },
    async [Symbol.asyncDispose]() {},
  }
}

async function listeningOn(endpoint: Endpoint): Promise<Transport> {
  const drain = new AbortController()
  const listener = await listen(createEchoServer(drain.signal), endpoint, { drainMs: 0 })
  return {
    drain,
    connect: () => dial(listener.endpoint),
    async [Symbol.asyncDispose]() {
      await listener.close()
    },
  }
}

async function onSocketFile(): Promise<Transport> {
  const directory = await mkdtemp(join(tmpdir(), 'echo-'))
  const transport = await listeningOn({ kind: 'unix', path: join(directory, 'echo.sock') })
  return {
    ...transport,
    async [Symbol.asyncDispose]() {
      await transport[Symbol.asyncDispose]()
      await rm(directory, { recursive: true })
    },
  }
}

const TRANSPORTS: readonly [name: string, open: () => Promise<Transport>][] = [
  ['an in-memory pair', async () => inMemory()],
  ['a Unix socket', onSocketFile],
  ['an abstract name', () => listeningOn({ kind: 'abstract', name: `echo-test-${process.pid}` })],
  ['TCP', () => listeningOn({ kind: 'tcp', host: '127.0.0.1', port: 0 })],
]

for (const [name, open] of TRANSPORTS) {
  describe(`echo over ${name}`, () => {
    it('answers each line, and ends after the end of input', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      stream.end('ping\n\nlast')
      assert.equal(await text(stream), 'echo: ping\necho: \necho: last\n')
    })

    it('answers in a dialogue, both ways at once on one connection', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      const answers = stream.iterator({ destroyOnReturn: false })
      stream.write('one\n')
      assert.equal(String((await answers.next()).value), 'echo: one\n')
      stream.write('two\n')
      assert.equal(String((await answers.next()).value), 'echo: two\n')
      stream.end()
      assert.equal((await answers.next()).done, true)
    })

    it('gives every byte back when the client reads only after it wrote a mebibyte', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      const line = 'x'.repeat(1_023)
      stream.end(`${line}\n`.repeat(1_024))
      assert.equal(await text(stream), `echo: ${line}\n`.repeat(1_024))
    })

    it('ends a connection that waits when it drains', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      const answers = stream.iterator({ destroyOnReturn: false })
      stream.write('ping\n')
      assert.equal(String((await answers.next()).value), 'echo: ping\n')
      transport.drain.abort()
      assert.equal((await answers.next()).done, true)
      stream.end()
    })

    it('says what was wrong with a line that is too long, and ends', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      stream.on('error', () => stream.destroy()) // it may be closed while we still write
      stream.write(`short\n${'x'.repeat(MAX_LINE_BYTES + 1)}`)
      stream.write('more\n')
      assert.equal(await text(stream), `echo: short\nerror: line over ${MAX_LINE_BYTES} bytes\n`)
    })
  })
}

describe('an echo server that closes', () => {
  it('answers what came, then ends idle connections instead of cutting them', async () => {
    const drain = new AbortController()
    const server = createEchoServer(drain.signal)
    const listener = await listen(server, { kind: 'tcp', host: '127.0.0.1', port: 0 }, { drainMs: 60_000 })
    listener.once('draining', () => drain.abort())
    const idle = await dial(listener.endpoint)
    idle.write('ping\n')
    idle.once('data', () => void listener.close())
    const answer = await text(idle)
    idle.end()
    assert.equal(answer, 'echo: ping\n')
    assert.deepEqual(await listener.closed, { reason: 'closed', cut: 0 })
  })
})

describe('echo', () => {
  it('answers the same however the input is cut into chunks', async () => {
    const chunks = fc.array(fc.stringMatching(/^[ab\n]{0,8}$/), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(chunks, async (parts) => {
        await using transport = inMemory()
        const stream = await transport.connect()
        for (const part of parts) stream.write(part)
        stream.end()
        const lines = parts.join('').split('\n')
        if (lines.at(-1) === '') lines.pop()
        assert.equal(await text(stream), lines.map((line) => `echo: ${line}\n`).join(''))
      }),
    )
  })
})

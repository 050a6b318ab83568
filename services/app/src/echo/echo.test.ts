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

/** One way to reach the echo handler. The tests below are the same for each. */
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
    it('echoes each line, and ends after the end of input', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      stream.end('ping\n\nlast')
      assert.equal(await text(stream), 'echo: ping\necho: \necho: last\n')
    })

    it('echoes line by line on one connection, in both directions', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      const lines = stream.iterator({ destroyOnReturn: false })
      stream.write('one\n')
      assert.equal(String((await lines.next()).value), 'echo: one\n')
      stream.write('two\n')
      assert.equal(String((await lines.next()).value), 'echo: two\n')
      stream.end()
      assert.equal((await lines.next()).done, true)
    })

    it('returns every byte to a client that reads only after it wrote 1 MiB', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      const line = 'x'.repeat(1_023)
      stream.end(`${line}\n`.repeat(1_024))
      assert.equal(await text(stream), `echo: ${line}\n`.repeat(1_024))
    })

    it('ends an idle connection when it drains', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      const lines = stream.iterator({ destroyOnReturn: false })
      stream.write('ping\n')
      assert.equal(String((await lines.next()).value), 'echo: ping\n')
      transport.drain.abort()
      assert.equal((await lines.next()).done, true)
      stream.end()
    })

    it('responds to a line that is too long with an error, and ends', async () => {
      await using transport = await open()
      const stream = await transport.connect()
      stream.on('error', () => stream.destroy()) // the server may close it while we still write
      stream.write(`short\n${'x'.repeat(MAX_LINE_BYTES + 1)}`)
      stream.write('more\n')
      assert.equal(await text(stream), `echo: short\nerror: line over ${MAX_LINE_BYTES} bytes\n`)
    })
  })
}

describe('an echo server that closes', () => {
  it('echoes what it received, then ends idle connections instead of cutting them', async () => {
    const drain = new AbortController()
    const server = createEchoServer(drain.signal)
    const listener = await listen(server, { kind: 'tcp', host: '127.0.0.1', port: 0 }, { drainMs: 60_000 })
    listener.once('draining', () => drain.abort())
    const idle = await dial(listener.endpoint)
    idle.write('ping\n')
    idle.once('data', () => void listener.close())
    const received = await text(idle)
    idle.end()
    assert.equal(received, 'echo: ping\n')
    assert.deepEqual(await listener.closed, { reason: 'closed', cut: 0 })
  })
})

describe('echo', () => {
  it('echoes the same lines for any division into chunks', async () => {
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

import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { namesIn, tempDirectory } from '../testing/files.ts'
import { greet, readAll, rejection } from '../testing/listeners.ts'
import { listen } from './listen.ts'
import type { ListenOptions } from './listen-options.ts'

const TCP = { kind: 'tcp', host: '127.0.0.1', port: 0 } as const
const ABSTRACT = { kind: 'abstract', name: `uds-sidecar-${process.pid}` } as const

const FILE_OPTIONS: ListenOptions[] = [
  { mode: 0o600 },
  { group: 0 },
  { onConflict: 'refuse' },
  { unlinkOnClose: true },
  { watch: false },
]

const BAD_VALUES: ListenOptions[] = [
  { mode: 0o460 },
  { mode: 0o1660 },
  { mode: -1 },
  { mode: 6.5 },
  { group: -1 },
  { group: 1.5 },
  { backlog: 0 },
  { backlog: 2 ** 31 },
  { drainMs: -1 },
  { fd: 2 },
  { onConflict: 'ask' as 'refuse' },
]

describe('options of listen', () => {
  for (const options of FILE_OPTIONS) {
    const [name] = Object.keys(options)
    for (const endpoint of [TCP, ABSTRACT]) {
      it(`${name} on ${endpoint.kind}, which has no file, is refused by name`, async () => {
        await assertRefused(endpoint, options)
      })
    }
    it(`${name} with an inherited descriptor, is refused by name`, async () => {
      await assertRefused({ kind: 'unix', path: '/run/s' }, { ...options, fd: 3 })
    })
  }

  for (const options of BAD_VALUES) {
    it(`${JSON.stringify(options)}, which is out of range, is refused by name`, async () => {
      await using directory = await tempDirectory()
      await assertRefused({ kind: 'unix', path: directory.at('s') }, options)
      assert.deepEqual(await namesIn(directory.path), [])
    })
  }

  it('backlog, limits how many connections the kernel queues', async () => {
    await using directory = await tempDirectory()
    await using listener = await greet(directory.at('s'), 'ok', { backlog: 1 })
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => readAll(listener.endpoint)))
    const codes = outcomes.flatMap((o) => (o.status === 'rejected' ? [o.reason.code] : []))
    assert.ok(codes.length > 0)
    assert.deepEqual(new Set(codes), new Set(['backlog_full']))
  })
})

describe('a path of a socket', () => {
  for (const path of ['s', './s', '../s', '/tmp/../s', '/tmp/', '/tmp/a\0b']) {
    it(`${JSON.stringify(path)}, that is not absolute and plain, is refused`, async () => {
      const failure = await rejection(listen(createServer(), { kind: 'unix', path }))
      assert.equal(failure.code, 'bad_endpoint')
      assert.equal(failure.exitCode, 78)
    })
  }

  it('of 107 bytes, is accepted; of 108, is refused with both numbers', async () => {
    await using directory = await tempDirectory()
    const name = (bytes: number) => directory.at('x'.repeat(bytes - directory.path.length - 1))
    await using listener = await greet(name(107), 'ok')
    assert.equal(await readAll(listener.endpoint), 'ok')
    const failure = await rejection(greet(name(108), ''))
    assert.equal(failure.code, 'path_too_long')
    assert.match(failure.message, /108 bytes and may have 107/)
  })

  it('of which only the staging path is too long, is refused', async () => {
    await using directory = await tempDirectory()
    const parent = directory.at('x'.repeat(100 - directory.path.length - 1))
    const failure = await rejection(greet(`${parent}/s`, ''))
    assert.equal(failure.code, 'path_too_long')
    assert.match(failure.message, /^staging path/)
  })

  it('with characters of several bytes, is counted in bytes and works', async () => {
    await using directory = await tempDirectory()
    await using listener = await greet(directory.at('küche-☕.sock'), 'ok')
    assert.equal(await readAll(listener.endpoint), 'ok')
    const failure = await rejection(greet(directory.at('☕'.repeat(40)), ''))
    assert.match(failure.message, new RegExp(`${directory.path.length + 1 + 120} bytes and may have 107`))
  })
})

describe('an endpoint without a file', () => {
  it('TCP with port 0, gets a real port and the same kind of listener', async () => {
    await using listener = await listen(
      createServer((socket) => socket.end('ok')),
      TCP,
    )
    assert.ok(listener.endpoint.kind === 'tcp' && listener.endpoint.port > 0)
    assert.equal(listener.identity, undefined)
    assert.equal(await readAll(listener.endpoint), 'ok')
  })

  it('an abstract name, is served, and is free after close', async () => {
    for (let round = 0; round < 2; round++) {
      await using listener = await listen(
        createServer((socket) => socket.end('ok')),
        ABSTRACT,
      )
      assert.equal(await readAll(listener.endpoint), 'ok')
    }
  })

  for (const endpoint of [TCP, ABSTRACT]) {
    it(`${endpoint.kind} that another owns, is refused with in_use`, async () => {
      await using listener = await listen(createServer(), endpoint)
      const failure = await rejection(listen(createServer(), listener.endpoint))
      assert.deepEqual([failure.code, failure.errno, failure.exitCode], ['in_use', 'EADDRINUSE', 75])
    })
  }

  it('TCP at an address of another machine, is refused', async () => {
    const failure = await rejection(listen(createServer(), { ...TCP, host: '192.0.2.1' }))
    assert.deepEqual([failure.code, failure.errno], ['bad_endpoint', 'EADDRNOTAVAIL'])
  })
})

async function assertRefused(endpoint: Endpoint, options: ListenOptions): Promise<void> {
  const failure = await rejection(listen(createServer(), endpoint, options))
  assert.equal(failure.code, 'bad_option')
  assert.match(failure.message, new RegExp(`\\b${Object.keys(options)[0]}\\b`))
  assert.notEqual(failure.hint, '')
}

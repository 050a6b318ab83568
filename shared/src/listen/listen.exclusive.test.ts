import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import type { Failure } from '../failure/failure.ts'
import { identityAt, namesIn, tempDirectory } from '../testing/files.ts'
import { readAll, rejection } from '../testing/listeners.ts'
import { failureOf, startListening } from '../testing/server-processes.ts'
import { listen } from './listen.ts'
import type { Listener } from './listener.ts'

const STARTERS = 20

describe('an exclusive start', () => {
  it('at a free path, owns it and accepts connections', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    await using listener = await listen(
      createServer((socket) => socket.end('mine')),
      endpoint,
    )
    assert.equal(await readAll(listener.endpoint), 'mine')
    assert.deepEqual(await namesIn(directory.path), ['s', 's.lock'])
  })

  it('beside a live owner, is refused with exit code 75 and changes nothing', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await using owner = await startListening({ endpoint })
    const before = await identityAt(directory.at('s'))
    const { code, exitCode } = await failureOf({ endpoint })
    assert.deepEqual([code, exitCode], ['in_use', 75])
    assert.equal(await identityAt(directory.at('s')), before)
    assert.equal(await readAll({ kind: 'unix', path: directory.at('s') }), String(owner.pid))
  })

  it('beside a paused owner, is refused', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await using owner = await startListening({ endpoint })
    owner.signal('SIGSTOP')
    assert.equal((await failureOf({ endpoint })).code, 'in_use')
  })

  it('after a crash, owns the path and leaves nothing of the old one', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    const crashed = await startListening({ endpoint })
    const stale = await identityAt(directory.at('s'))
    await crashed.crash()
    await using next = await startListening({ endpoint })
    assert.notEqual(await identityAt(directory.at('s')), stale)
    assert.equal(await readAll({ kind: 'unix', path: directory.at('s') }), String(next.pid))
    assert.deepEqual(await namesIn(directory.path), ['s', 's.lock'])
  })

  it(`of ${STARTERS} at once over a stale file, makes one owner, and the others fail with in_use`, async () => {
    await using directory = await tempDirectory()
    const path = directory.at('s')
    await (await startListening({ endpoint: `unix:${path}` })).crash()
    const starts = Array.from({ length: STARTERS }, () => listen(createServer(), { kind: 'unix', path }))
    const outcomes = await Promise.allSettled(starts)
    const owners = outcomes.flatMap((o) => (o.status === 'fulfilled' ? [o.value as Listener] : []))
    const codes = outcomes.flatMap((o) => (o.status === 'rejected' ? [(o.reason as Failure).code] : []))
    assert.equal(owners.length, 1)
    assert.deepEqual(codes, Array(STARTERS - 1).fill('in_use'))
    await owners[0]?.close()
  })

  it('while another holds the lock and has published nothing yet, is refused at once', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const first = listen(createServer(), endpoint)
    const second = listen(createServer(), endpoint)
    const outcomes = await Promise.allSettled([first, second])
    const refused = outcomes.filter((o) => o.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.equal(refused[0]?.reason.code, 'in_use')
    for (const o of outcomes) if (o.status === 'fulfilled') await o.value.close()
  })

  it('with a server that already listens, is refused and leaves that server alone', async () => {
    await using directory = await tempDirectory()
    const server = createServer((socket) => socket.end('first'))
    await using first = await listen(server, { kind: 'unix', path: directory.at('a') })
    const failure = await rejection(listen(server, { kind: 'unix', path: directory.at('b') }))
    assert.equal(failure.code, 'bad_option')
    assert.equal(await readAll(first.endpoint), 'first')
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { link } from 'node:fs/promises'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { formatIdentity } from '../bind/identity.ts'
import { dial } from '../dial/dial.ts'
import { EndpointAgent, request } from '../http/request.ts'
import { identityAt, namesIn, tempDirectory } from '../testing/files.ts'
import { greet, greetHttp, readAll, rejection } from '../testing/listeners.ts'
import { expectEvent, startListening } from '../testing/server-processes.ts'
import { listen } from './listen.ts'
import type { Listener } from './listener.ts'

const TAKEOVER = { onConflict: 'takeover' } as const

describe('a takeover', () => {
  it('of a live incumbent, serves at once, and the incumbent drains and exits 0', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await using incumbent = await startListening({ endpoint, options: TAKEOVER })
    await using successor = await startListening({ endpoint, options: TAKEOVER })
    assert.equal(await readAll({ kind: 'unix', path: directory.at('s') }), String(successor.pid))
    await expectEvent(incumbent, 'replaced')
    await expectEvent(incumbent, 'draining')
    assert.equal((await expectEvent(incumbent, 'closed')).reason, 'replaced')
    assert.equal(await incumbent.ended(), 0)
    assert.deepEqual(await namesIn(directory.path), ['s', 's.lock'])
  })

  it('says when the old socket accepts no more, while its connections go on', async () => {
    await using directory = await tempDirectory()
    const server = createServer((socket) => socket.on('error', () => socket.destroy()).pipe(socket))
    await using incumbent = await listen(server, { kind: 'unix', path: directory.at('s') }, TAKEOVER)
    await link(directory.at('s'), directory.at('old')) // leads to the old socket, also after the takeover
    const client = await dial({ kind: 'unix', path: directory.at('s') })
    const stopped = once(incumbent, 'stopped')
    await using _successor = await greet(directory.at('s'), 'new', TAKEOVER)
    await stopped
    assert.equal((await rejection(dial({ kind: 'unix', path: directory.at('old') }))).code, 'socket_stale')
    client.end('still here')
    assert.equal(await text(client), 'still here')
  })

  it('at a free path or over a stale socket, starts as usual', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await (await startListening({ endpoint, options: TAKEOVER })).crash()
    await using next = await startListening({ endpoint, options: TAKEOVER })
    assert.equal(await readAll({ kind: 'unix', path: directory.at('s') }), String(next.pid))
  })

  it('while the incumbent is paused, succeeds, and the incumbent ends when it is continued', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await using incumbent = await startListening({ endpoint, options: TAKEOVER })
    incumbent.signal('SIGSTOP')
    await using _successor = await startListening({ endpoint, options: TAKEOVER })
    const identity = await identityAt(directory.at('s'))
    incumbent.signal('SIGCONT')
    await expectEvent(incumbent, 'replaced')
    await expectEvent(incumbent, 'draining')
    await expectEvent(incumbent, 'closed')
    assert.equal(await identityAt(directory.at('s')), identity)
  })

  it('whose successor ended while the incumbent was paused, does not bring the incumbent back', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await using incumbent = await startListening({ endpoint, options: TAKEOVER })
    incumbent.signal('SIGSTOP')
    await using successor = await startListening({ endpoint, options: TAKEOVER })
    successor.send('close')
    assert.equal(await successor.ended(), 0)
    incumbent.signal('SIGCONT')
    await expectEvent(incumbent, 'replaced')
    await expectEvent(incumbent, 'draining')
    await expectEvent(incumbent, 'closed')
    assert.equal(existsSync(directory.at('s')), false)
  })

  it('of 20 at once, leaves one owner, and no connection is refused meanwhile', async () => {
    await using directory = await tempDirectory()
    await using started = new AsyncDisposableStack() // also of a test that fails: a listener keeps its process alive
    const path = directory.at('s')
    const begin = async () => started.use(await greet(path, 'ok', TAKEOVER))
    const incumbent = await begin()
    const starts = Promise.all(Array.from({ length: 20 }, begin))
    const all = [incumbent, ...(await servedUntil(starts, path))]
    const published = await identityAt(path)
    const owner = all.find(({ identity }) => identity && formatIdentity(identity) === published)
    assert.ok(owner)
    const others = all.filter((l) => l !== owner).map((l) => l.closed)
    assert.deepEqual(await Promise.all(others), Array(20).fill({ reason: 'replaced', cut: 0 }))
    await owner.close()
  })

  it('asks clients with a kept connection to use a new one', async () => {
    await using directory = await tempDirectory()
    const path = directory.at('s')
    const incumbent = await greetHttp(path, 'old', TAKEOVER)
    using agent = disposable(new EndpointAgent(incumbent.endpoint, {}, { keepAlive: true, maxSockets: 1 }))
    assert.equal((await request(incumbent.endpoint, { agent })).headers.connection, 'keep-alive')
    const replaced = new Promise((resolve) => incumbent.once('draining', () => resolve(undefined)))
    await using _successor = await greetHttp(path, 'new', TAKEOVER)
    await replaced
    const last = await request(incumbent.endpoint, { agent })
    assert.deepEqual([last.headers.connection, String(last.body)], ['close', 'old'])
    assert.equal(String((await request(incumbent.endpoint, { agent })).body), 'new')
    assert.deepEqual(await incumbent.closed, { reason: 'replaced', cut: 0 })
  })

  it('lets the incumbent accept connections for another 300 ms', async () => {
    await using directory = await tempDirectory()
    const incumbent = await greet(directory.at('s'), 'old', TAKEOVER)
    await link(directory.at('s'), directory.at('old')) // the socket that a client found before the rename
    const replaced = once(incumbent, 'replaced').then(() => performance.now())
    await using _successor = await greet(directory.at('s'), 'new', TAKEOVER)
    while ((await textFrom(directory.at('old'))) === 'old');
    const ms = performance.now() - (await replaced)
    assert.ok(ms > 290, `it was refused after ${ms} ms`)
    assert.equal((await incumbent.closed).cut, 0)
  })

  it('of an owner without takeover, waits for the lock and is refused', async () => {
    await using directory = await tempDirectory()
    await using owner = await greet(directory.at('s'), 'mine')
    const failure = await rejection(greet(directory.at('s'), 'theirs', TAKEOVER))
    assert.equal(failure.code, 'in_use')
    assert.equal(await readAll(owner.endpoint), 'mine')
  })
})

describe('an exclusive start beside an incumbent that may be taken over', () => {
  it('is refused and leaves it alone', async () => {
    await using directory = await tempDirectory()
    await using incumbent = await greet(directory.at('s'), 'mine', TAKEOVER)
    assert.equal((await rejection(greet(directory.at('s'), 'theirs'))).code, 'in_use')
    assert.equal(await readAll(incumbent.endpoint), 'mine')
  })
})

/** Connects in a loop until `work` is done, and asserts that every connection is served. */
async function servedUntil(work: Promise<Listener[]>, path: string): Promise<Listener[]> {
  let done = false
  const ended = work.finally(() => {
    done = true
  })
  while (!done) assert.equal(await readAll({ kind: 'unix', path }), 'ok')
  return ended
}

function textFrom(path: string): Promise<string> {
  return readAll({ kind: 'unix', path }).catch((error) => error.code)
}

function disposable(agent: EndpointAgent): EndpointAgent & Disposable {
  return Object.assign(agent, { [Symbol.dispose]: () => agent.destroy() })
}

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { fingerprint, identityAt, namesIn, tempDirectory } from '../testing/files.ts'
import { greet, readAll } from '../testing/listeners.ts'
import { expectEvent, startListening, startPlain } from '../testing/server-processes.ts'
import { giveTo, UNPRIVILEGED } from '../testing/users.ts'
import { listen } from './listen.ts'

const TAKEOVER = { onConflict: 'takeover' } as const

describe('the shutdown of a listener', () => {
  it('removes the socket file and leaves the lock file', async () => {
    await using directory = await tempDirectory()
    await (await greet(directory.at('s'), '')).close()
    assert.deepEqual(await namesIn(directory.path), ['s.lock'])
  })

  it('with unlinkOnClose false, leaves a stale file from which the next start recovers', async () => {
    await using directory = await tempDirectory()
    await (await greet(directory.at('s'), 'old', { unlinkOnClose: false })).close()
    assert.deepEqual(await namesIn(directory.path), ['s', 's.lock'])
    await using next = await greet(directory.at('s'), 'new')
    assert.equal(await readAll(next.endpoint), 'new')
  })

  it('twice, returns the same ending', async () => {
    await using directory = await tempDirectory()
    const listener = await greet(directory.at('s'), '')
    assert.equal(listener.close(), listener.close())
    assert.deepEqual(await listener.close(), { reason: 'closed', cut: 0 })
  })

  it('frees the path for the next exclusive start before connections have ended', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    const server = createServer()
    const first = await listen(server, endpoint, { watch: false })
    const connection = Promise.withResolvers<{ destroy(): void }>()
    server.once('connection', connection.resolve)
    const client = readAll(endpoint)
    const held = await connection.promise
    const ending = first.close()
    while (existsSync(endpoint.path)) await new Promise(setImmediate)
    await using next = await greet(endpoint.path, 'next')
    assert.equal(await readAll(next.endpoint), 'next')
    held.destroy()
    await Promise.all([client, ending])
  })

  it('after a stranger bound the path, leaves the stranger alone', async () => {
    await using directory = await tempDirectory()
    const listener = await greet(directory.at('s'), '', { watch: false })
    await unlink(directory.at('s'))
    await using _stranger = await startPlain(directory.at('s'))
    const before = await identityAt(directory.at('s'))
    await listener.close()
    assert.equal(await identityAt(directory.at('s')), before)
    assert.equal(await readAll(listener.endpoint), 'plain')
  })

  it('after a file was put at the path, does not change it', async () => {
    await using directory = await tempDirectory()
    const listener = await greet(directory.at('s'), '', { watch: false })
    await unlink(directory.at('s'))
    await writeFile(directory.at('s'), 'precious')
    const before = await fingerprint(directory.at('s'))
    await listener.close()
    assert.equal(await fingerprint(directory.at('s')), before)
  })

  it('after its directory was removed, ends without a failure', async () => {
    await using directory = await tempDirectory()
    await mkdir(directory.at('d'))
    const listener = await greet(directory.at('d/s'), '', { watch: false })
    await rm(directory.at('d'), { recursive: true })
    assert.deepEqual(await listener.close(), { reason: 'closed', cut: 0 })
  })

  it('whose file may no longer be removed, ends and reports why', async () => {
    await using directory = await tempDirectory()
    await giveTo(UNPRIVILEGED, directory.path)
    await using child = await startListening({ endpoint: `unix:${directory.at('s')}` }, UNPRIVILEGED)
    await chmod(directory.path, 0o555)
    child.send('close')
    await expectEvent(child, 'draining')
    assert.equal((await expectEvent(child, 'closed')).failure, 'EACCES')
    assert.equal(await child.ended(), 0)
    await chmod(directory.path, 0o755)
  })

  it('by its signal, is the same as by close', async () => {
    await using directory = await tempDirectory()
    const stop = new AbortController()
    const listener = await greet(directory.at('s'), '', { signal: stop.signal })
    stop.abort()
    assert.deepEqual(await listener.closed, { reason: 'closed', cut: 0 })
    assert.equal(existsSync(directory.at('s')), false)
  })

  it('by a signal before or during the start, leaves nothing', async () => {
    await using directory = await tempDirectory()
    const reason = new Error('enough')
    await assert.rejects(greet(directory.at('s'), '', { signal: AbortSignal.abort(reason) }), reason)
    assert.deepEqual(await namesIn(directory.path), [])
    const stop = new AbortController()
    const starting = greet(directory.at('s'), '', { signal: stop.signal })
    stop.abort(reason)
    await assert.rejects(starting, reason)
    assert.deepEqual(await namesIn(directory.path), ['s.lock'])
  })

  it('that races a takeover, always leaves the successor at the path', async () => {
    await using directory = await tempDirectory()
    let owner = await greet(directory.at('s'), 'ok', TAKEOVER)
    for (let round = 0; round < 20; round++) {
      const [successor] = await Promise.all([greet(directory.at('s'), 'ok', TAKEOVER), owner.close()])
      assert.equal(await readAll(successor.endpoint), 'ok')
      owner = successor
    }
    await owner.close()
  })

  it('of a socket that was moved, does not remove it there', async () => {
    await using directory = await tempDirectory()
    const listener = await greet(directory.at('s'), '', { watch: false })
    await rename(directory.at('s'), directory.at('moved'))
    await listener.close()
    assert.deepEqual(await namesIn(directory.path), ['moved', 's.lock'])
  })
})

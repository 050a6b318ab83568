import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, rename, unlink, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { formatIdentity } from '../bind/identity.ts'
import { dial } from '../dial/dial.ts'
import { request } from '../http/request.ts'
import { fingerprint, identityAt, modeOf, namesIn, tempDirectory } from '../testing/files.ts'
import { greet, greetHttp, nextEvent, readAll } from '../testing/listeners.ts'
import { startPlain } from '../testing/server-processes.ts'

for (const onConflict of ['refuse', 'takeover'] as const) {
  describe(`a running listener with onConflict ${onConflict}`, () => {
    it('whose socket file is deleted, publishes a new one with the same mode and handler', async () => {
      await using directory = await tempDirectory()
      await using listener = await greet(directory.at('s'), 'ok', { mode: 0o600, onConflict })
      const before = await identityAt(directory.at('s'))
      const republished = nextEvent(listener, 'republished')
      await unlink(directory.at('s'))
      assert.equal(formatIdentity(await republished), await identityAt(directory.at('s')))
      assert.notEqual(await identityAt(directory.at('s')), before)
      assert.equal(await modeOf(directory.at('s')), 0o600)
      assert.equal(await readAll(listener.endpoint), 'ok')
    })

    it('whose socket file is deleted repeatedly, publishes each time and leaves nothing behind', async () => {
      await using directory = await tempDirectory()
      const listener = await greetHttp(directory.at('s'), 'ok', { onConflict })
      for (let round = 0; round < 5; round++) {
        const republished = nextEvent(listener, 'republished')
        await unlink(directory.at('s'))
        await republished
        assert.equal(String((await request(listener.endpoint)).body), 'ok')
      }
      assert.deepEqual(await listener.close(), { reason: 'closed', cut: 0 })
      assert.deepEqual(await namesIn(directory.path), ['s.lock'])
    })

    it('whose directory is emptied, lock file included, publishes a new socket', async () => {
      await using directory = await tempDirectory()
      await using listener = await greet(directory.at('s'), 'ok', { onConflict })
      const republished = nextEvent(listener, 'republished')
      await Promise.all([unlink(directory.at('s.lock')), unlink(directory.at('s'))])
      await republished
      assert.equal(await readAll(listener.endpoint), 'ok')
      assert.deepEqual(await namesIn(directory.path), ['s', 's.lock'])
    })

    it('whose directory is moved away and made again, emits lost and then publishes', async () => {
      await using directory = await tempDirectory()
      await mkdir(directory.at('d'))
      await using listener = await greet(directory.at('d/s'), 'ok', { onConflict })
      const lost = nextEvent(listener, 'lost')
      await rename(directory.at('d'), directory.at('away'))
      assert.equal((await lost).code, 'directory_missing')
      const republished = nextEvent(listener, 'republished')
      await mkdir(directory.at('d'))
      await republished
      assert.equal(await readAll(listener.endpoint), 'ok')
    })

    it('whose path a stranger took, ends by itself and leaves the stranger alone', async () => {
      await using directory = await tempDirectory()
      const listener = await greet(directory.at('s'), 'ok', { onConflict })
      await using stranger = await startPlain(directory.at('t'))
      const replaced = nextEvent(listener, 'replaced')
      const before = await identityAt(directory.at('t'))
      await rename(directory.at('t'), directory.at('s'))
      await replaced
      assert.deepEqual(await listener.closed, { reason: 'replaced', cut: 0 })
      assert.equal(await identityAt(directory.at('s')), before)
      assert.ok(stranger.pid)
    })

    it('whose path gets a file, emits lost, changes nothing, and publishes when the file is gone', async () => {
      await using directory = await tempDirectory()
      await using listener = await greet(directory.at('s'), 'ok', { onConflict })
      await writeFile(directory.at('t'), 'precious')
      const lost = nextEvent(listener, 'lost')
      await rename(directory.at('t'), directory.at('s'))
      assert.equal((await lost).code, 'path_occupied')
      assert.match(await fingerprint(directory.at('s')), / 7072656[0-9a-f]+$/)
      const republished = nextEvent(listener, 'republished')
      await rename(directory.at('s'), directory.at('t'))
      await republished
      assert.equal(await readAll(listener.endpoint), 'ok')
    })

    it('whose socket file is deleted, keeps its connections', async () => {
      await using directory = await tempDirectory()
      await using listener = await greetHttp(directory.at('s'), 'ok', { onConflict })
      const client = await dial(listener.endpoint)
      const republished = nextEvent(listener, 'republished')
      await unlink(directory.at('s'))
      await republished
      client.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      const [head] = await once(client, 'data')
      assert.match(String(head), /^HTTP\/1.1 200 /)
    })

    it('that is closed at the moment of the deletion, leaves nothing behind', async () => {
      await using directory = await tempDirectory()
      for (let round = 0; round < 20; round++) {
        const listener = await greet(directory.at('s'), 'ok', { onConflict })
        const [ending] = await Promise.all([
          unlink(directory.at('s')).then(() => listener.close()),
          new Promise(setImmediate),
        ])
        assert.deepEqual(ending, { reason: 'closed', cut: 0 })
        assert.deepEqual(await namesIn(directory.path), ['s.lock'])
      }
    })
  })
}

describe('a running listener with watch false', () => {
  it('whose socket file is deleted, does not publish again, not even while it closes', async () => {
    await using directory = await tempDirectory()
    const listener = await greet(directory.at('s'), 'ok', { watch: false })
    await unlink(directory.at('s'))
    await listener.close()
    assert.equal(existsSync(directory.at('s')), false)
  })
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { link, mkdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { fingerprint, modeOf, namesIn, tempDirectory } from '../testing/files.ts'
import { readAll, rejection } from '../testing/listeners.ts'
import { WITHOUT_FFI } from '../testing/processes.ts'
import { failureOf, startListening } from '../testing/server-processes.ts'
import { giveTo, UNPRIVILEGED } from '../testing/users.ts'
import { listen } from './listen.ts'

const UNUSABLE: Record<string, (lock: string) => Promise<unknown>> = {
  'a directory': (lock) => mkdir(lock),
  'a fifo': async (lock) => execFileSync('mkfifo', [lock]),
  'a symlink': (lock) => symlink(`${lock}-target`, lock),
  "another program's lock (PostgreSQL has the same name)": (lock) => writeFile(lock, '4711\n/data\n'),
  'a second name of another file': async (lock) => {
    await writeFile(`${lock}-other`, '')
    await link(`${lock}-other`, lock)
  },
}

describe('the lock file', () => {
  it('is 0600 under any umask, names the owner, and stays after close', async () => {
    await using directory = await tempDirectory()
    const child = await startListening({ endpoint: `unix:${directory.at('s')}`, umask: 0 })
    assert.equal(await modeOf(directory.at('s.lock')), 0o600)
    assert.equal(JSON.parse(await readFile(directory.at('s.lock'), 'utf8')).pid, child.pid)
    child.send('close')
    assert.equal(await child.ended(), 0)
    assert.deepEqual(await namesIn(directory.path), ['s.lock'])
  })

  for (const [what, put] of Object.entries(UNUSABLE)) {
    it(`that is ${what}, makes the start fail with lock_unavailable, and is not changed`, async () => {
      await using directory = await tempDirectory()
      await put(directory.at('s.lock'))
      const before = await fingerprint(directory.at('s.lock'))
      const failure = await rejection(listen(createServer(), { kind: 'unix', path: directory.at('s') }))
      assert.equal(failure.code, 'lock_unavailable')
      assert.equal(failure.exitCode, 78)
      assert.equal(await fingerprint(directory.at('s.lock')), before)
      assert.equal(existsSync(directory.at('s')), false)
    })
  }

  it('that is incomplete after a crash or zeroed after a power cut, does not prevent a start', async () => {
    for (const text of ['', '{"identity":"1:2', '\0'.repeat(256)]) {
      await using directory = await tempDirectory()
      await writeFile(directory.at('s.lock'), text)
      await using listener = await listen(createServer(), { kind: 'unix', path: directory.at('s') })
      assert.ok(listener.identity)
    }
  })

  it('that is removed under a live owner, lets no second owner in', async () => {
    await using directory = await tempDirectory()
    const endpoint = { kind: 'unix', path: directory.at('s') } as const
    await using owner = await listen(
      createServer((socket) => socket.end('first')),
      endpoint,
    )
    await unlink(directory.at('s.lock'))
    assert.equal((await rejection(listen(createServer(), endpoint))).code, 'in_use')
    assert.equal(await readAll(owner.endpoint), 'first')
  })

  it('that is removed under a live owner, does not keep the owner from removing its socket', async () => {
    await using directory = await tempDirectory()
    const listener = await listen(createServer(), { kind: 'unix', path: directory.at('s') })
    await unlink(directory.at('s.lock'))
    assert.deepEqual(await listener.close(), { reason: 'closed', cut: 0 })
    assert.equal(existsSync(directory.at('s')), false)
  })

  it('without node:ffi and without flock(1), makes the start fail and says what to install', async () => {
    await using directory = await tempDirectory()
    const task = { endpoint: `unix:${directory.at('s')}` }
    const { code, message, hint } = await failureOf(task, {
      env: { PATH: directory.path },
      nodeArgs: WITHOUT_FFI,
    })
    assert.equal(code, 'lock_unavailable')
    assert.match(message, /flock\(1\) does not start/)
    assert.match(hint, /^install util-linux; flock\(1\) is needed because Node .* has no node:ffi/)
    assert.equal(existsSync(directory.at('s')), false)
  })

  it('without node:ffi and with another implementation of flock(1), makes the start fail, but not as a conflict', async () => {
    await using directory = await tempDirectory()
    await writeFile(directory.at('flock'), '#!/bin/sh\necho "flock: unrecognized option: E" >&2\nexit 1\n', {
      mode: 0o755,
    })
    const task = { endpoint: `unix:${directory.at('s')}` }
    const env = { PATH: `${directory.path}:/bin` }
    const { code, message } = await failureOf(task, { env, nodeArgs: WITHOUT_FFI })
    assert.equal(code, 'lock_unavailable')
    assert.match(message, /flock\(1\) ended with 1/)
  })

  it('that cannot grow on a full volume, fails a takeover while the incumbent still serves', async () => {
    await using directory = await tempDirectory()
    const endpoint = `unix:${directory.at('s')}`
    await using incumbent = await startListening({ endpoint, options: { onConflict: 'takeover' } })
    const before = await fingerprint(directory.at('s'))
    await writeFile(directory.at('s.lock'), (await readFile(directory.at('s.lock'), 'utf8')).trim())
    const noSpace = ['sh', '-c', 'trap "" XFSZ; ulimit -f 0; exec "$@"', 'sh']
    const { code } = await failureOf({ endpoint, options: { onConflict: 'takeover' } }, { wrapper: noSpace })
    assert.equal(code, 'io_error')
    assert.equal(await fingerprint(directory.at('s')), before)
    assert.equal(await readAll({ kind: 'unix', path: directory.at('s') }), String(incumbent.pid))
  })

  it('made under umask 0777, can be opened by the next start', async () => {
    await using directory = await tempDirectory()
    await giveTo(UNPRIVILEGED, directory.path)
    const task = { endpoint: `unix:${directory.at('s')}`, umask: 0o777 }
    await (await startListening(task, UNPRIVILEGED)).crash()
    await using next = await startListening(task, UNPRIVILEGED)
    assert.equal(await readAll({ kind: 'unix', path: directory.at('s') }), String(next.pid))
  })
})

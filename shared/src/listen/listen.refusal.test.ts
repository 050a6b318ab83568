import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rename, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { fingerprint, namesIn, tempDirectory } from '../testing/files.ts'
import { readAll, rejection } from '../testing/listeners.ts'
import { datagramServer, failureOf, startFull, startPaused, startPlain } from '../testing/server-processes.ts'
import { giveTo, UNPRIVILEGED } from '../testing/users.ts'
import { listen } from './listen.ts'

const CONFLICTS = ['refuse', 'takeover'] as const

/** What may stand at a path besides a socket. Devices need root: see shared/test-as-root. */
const OCCUPANTS: Record<string, (path: string) => Promise<unknown>> = {
  'regular file': (path) => writeFile(path, 'precious'),
  directory: (path) => mkdir(path),
  fifo: async (path) => execFileSync('mkfifo', [path]),
  'symlink to nothing': (path) => symlink(`${path}-nowhere`, path),
  'symlink to a file': async (path) => {
    await writeFile(`${path}-file`, 'precious')
    await symlink(`${path}-file`, path)
  },
}

describe('a start at a path where something else stands', () => {
  for (const onConflict of CONFLICTS) {
    for (const [what, put] of Object.entries(OCCUPANTS)) {
      it(`a ${what}, with ${onConflict}, is refused and does not change it`, async () => {
        await using directory = await tempDirectory()
        const path = directory.at('s')
        await put(path)
        const before = await fingerprint(path)
        const failure = await rejection(listen(createServer(), { kind: 'unix', path }, { onConflict }))
        assert.equal(failure.code, 'path_occupied')
        assert.equal(failure.exitCode, 73)
        assert.equal(await fingerprint(path), before)
      })
    }
  }
})

describe('a start beside a live server that does not know the protocol', () => {
  for (const onConflict of CONFLICTS) {
    it(`with ${onConflict}, is refused and leaves it alone`, async () => {
      await using directory = await tempDirectory()
      const path = directory.at('s')
      await using _server = await startPlain(path)
      await assertLeftAlone(path, onConflict)
      assert.equal(await readAll({ kind: 'unix', path }), 'plain')
    })

    it(`that is paused, with ${onConflict}, is refused and leaves it alone`, async () => {
      await using directory = await tempDirectory()
      const path = directory.at('s')
      await using server = await startPaused(path)
      await assertLeftAlone(path, onConflict)
      server.signal('SIGCONT')
      assert.equal(await readAll({ kind: 'unix', path }), 'plain')
    })

    it(`whose backlog is full, with ${onConflict}, is refused and leaves it alone`, async () => {
      await using directory = await tempDirectory()
      const path = directory.at('s')
      await using server = await startFull(path)
      using _waiting = server.waiting
      await assertLeftAlone(path, onConflict)
    })

    it(`of datagrams, with ${onConflict}, is refused and leaves it alone`, async () => {
      await using directory = await tempDirectory()
      const path = directory.at('s')
      await using _server = await datagramServer(path)
      await assertLeftAlone(path, onConflict)
    })
  }
})

describe('a start at a socket that denies us to connect and so to see whether somebody listens', () => {
  for (const onConflict of CONFLICTS)
    it(`with ${onConflict}, is refused as denied and not as in use, and leaves it alone`, async () => {
      await using directory = await tempDirectory()
      const path = directory.at('s')
      const server = await startPlain(directory.at('bound'))
      await rename(directory.at('bound'), path)
      await server.crash()
      await giveTo(UNPRIVILEGED, path)
      await giveTo(UNPRIVILEGED, directory.path)
      await chmod(path, 0)
      const before = await fingerprint(path)
      const { code, hint, exitCode } = await failureOf(
        { endpoint: `unix:${path}`, options: { onConflict } },
        UNPRIVILEGED,
      )
      assert.deepEqual([code, exitCode], ['socket_denied', 77])
      assert.ok(hint.endsWith(`remove it: rm ${path}`), hint)
      assert.equal(await fingerprint(path), before)
    })
})

async function assertLeftAlone(path: string, onConflict: 'refuse' | 'takeover'): Promise<void> {
  const before = await fingerprint(path)
  const failure = await rejection(listen(createServer(), { kind: 'unix', path }, { onConflict }))
  assert.equal(failure.code, 'in_use')
  assert.equal(await fingerprint(path), before)
  assert.deepEqual(await namesIn(path.replace(/\/s$/, '')), ['s', 's.lock'])
}

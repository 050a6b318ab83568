import assert from 'node:assert/strict'
import { chmod, chown, rename } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { fingerprint, tempDirectory } from '../src/testing/files.ts'
import { Child } from '../src/testing/processes.ts'
import { failureOf, startListening, startPlain } from '../src/testing/server-processes.ts'
import { asUser, OWNER, requireRoot, STRANGER } from '../src/testing/users.ts'

requireRoot()

const CONFLICTS = ['refuse', 'takeover'] as const

/** A directory of ours with a stale socket of another user, with that mode. */
async function withStaleSocket({
  owner,
  mode,
  directoryMode,
}: {
  owner: number
  mode: number
  directoryMode: number
}) {
  const directory = await tempDirectory()
  const server = await startPlain(directory.at('bound'))
  await rename(directory.at('bound'), directory.at('s'))
  await server.crash()
  await chown(directory.at('s'), owner, owner)
  await chmod(directory.at('s'), mode)
  if (directoryMode === 0o755) await chown(directory.path, OWNER, OWNER)
  await chmod(directory.path, directoryMode)
  return directory
}

for (const onConflict of CONFLICTS) {
  describe(`a start with ${onConflict} where another user left a stale socket`, () => {
    for (const owner of [0, STRANGER])
      for (const directoryMode of [0o755, 0o1777])
        it(`of uid ${owner} that denies us, in a 0${directoryMode.toString(8)} directory, does not say that it is in use`, async () => {
          await using directory = await withStaleSocket({ owner, mode: 0o600, directoryMode })
          const before = await fingerprint(directory.at('s'))
          const task = { endpoint: `unix:${directory.at('s')}`, options: { onConflict } }
          const { code, message, hint, exitCode } = await failureOf(task, asUser(OWNER))
          assert.deepEqual([code, exitCode], ['socket_denied', 77])
          assert.match(
            message,
            new RegExp(`mode 0600, owner ${owner}:${owner}\\) denies uid ${OWNER}: nobody can tell`),
          )
          assert.ok(hint.endsWith(`: sudo rm ${directory.at('s')}`), hint)
          assert.equal(await fingerprint(directory.at('s')), before)
        })

    it('that nobody listens on, and the sticky bit protects, names its owner', async () => {
      await using directory = await withStaleSocket({ owner: 0, mode: 0o666, directoryMode: 0o1777 })
      const before = await fingerprint(directory.at('s'))
      const task = { endpoint: `unix:${directory.at('s')}`, options: { onConflict } }
      const { code, message, hint, exitCode } = await failureOf(task, asUser(OWNER))
      assert.deepEqual([code, exitCode], ['directory_denied', 77])
      assert.match(message, /nobody listens on .*, but it belongs to uid 0, and .* \(sticky, owner 0\)/)
      assert.match(hint, /sudo rm /)
      assert.equal(await fingerprint(directory.at('s')), before)
    })

    it('that nobody listens on, in a directory of ours, replaces it', async () => {
      await using directory = await withStaleSocket({ owner: 0, mode: 0o666, directoryMode: 0o755 })
      const task = { endpoint: `unix:${directory.at('s')}`, options: { onConflict } }
      await using _server = await startListening(task, asUser(OWNER))
    })
  })

  describe(`a start with ${onConflict} beside a live server of another user`, () => {
    it('that denies us, fails with in_use, because the kernel lists its listener', async () => {
      await using directory = await tempDirectory()
      await chmod(directory.path, 0o1777)
      await using _server = await startPlain(directory.at('s'))
      await chmod(directory.at('s'), 0o600)
      const before = await fingerprint(directory.at('s'))
      const task = { endpoint: `unix:${directory.at('s')}`, options: { onConflict } }
      const { code, exitCode } = await failureOf(task, asUser(OWNER))
      assert.deepEqual([code, exitCode], ['in_use', 75])
      assert.equal(await fingerprint(directory.at('s')), before)
    })

    it('that denies us, in another network namespace, leaves it and does not claim that it is in use', async () => {
      await using directory = await tempDirectory()
      await chmod(directory.path, 0o1777)
      await using server = new Child('serve-plainly', [directory.at('s'), '8'], {
        wrapper: ['unshare', '--net'],
      })
      await server.next()
      await chmod(directory.at('s'), 0o600)
      const before = await fingerprint(directory.at('s'))
      const task = { endpoint: `unix:${directory.at('s')}`, options: { onConflict } }
      const { code, exitCode } = await failureOf(task, asUser(OWNER))
      assert.deepEqual([code, exitCode], ['socket_denied', 77])
      assert.equal(await fingerprint(directory.at('s')), before)
    })
  })
}

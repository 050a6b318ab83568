import assert from 'node:assert/strict'
import { chmod, chown, lstat } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { modeOf, tempDirectory } from '../src/testing/files.ts'
import { dialAs } from '../src/testing/listeners.ts'
import { failureOf, startListening } from '../src/testing/server-processes.ts'
import { asUser, GROUP, OWNER, requireRoot, STRANGER } from '../src/testing/users.ts'

const DENIED = { code: 'socket_denied', errno: 'EACCES' }

requireRoot()

describe('a socket in a setgid directory of a group that its owner is not in', () => {
  it('has that group, with no capability, under any umask', async () => {
    for (const umask of [0, 0o077, 0o777]) {
      await using directory = await setgidDirectory(0o2755)
      await using _server = await startListening(
        { endpoint: `unix:${directory.at('s')}`, umask },
        asUser(OWNER),
      )
      const { uid, gid } = await lstat(directory.at('s'))
      assert.deepEqual([uid, gid, await modeOf(directory.at('s'))], [OWNER, GROUP, 0o660])
    }
  })

  it('with mode 0660, lets only the group connect', async () => {
    await using directory = await setgidDirectory(0o2755)
    await using _server = await startListening({ endpoint: `unix:${directory.at('s')}` }, asUser(OWNER))
    assert.equal(await dialAsUser(directory.at('s'), STRANGER, [GROUP]), 'connected')
    assert.equal(await dialAsUser(directory.at('s'), OWNER), 'connected')
    assert.deepEqual(await dialAsUser(directory.at('s'), STRANGER), DENIED)
  })

  it('with mode 0600, lets only its owner connect', async () => {
    await using directory = await setgidDirectory(0o2755)
    const task = { endpoint: `unix:${directory.at('s')}`, options: { mode: 0o600 } }
    await using _server = await startListening(task, asUser(OWNER))
    assert.equal(await dialAsUser(directory.at('s'), OWNER), 'connected')
    assert.deepEqual(await dialAsUser(directory.at('s'), STRANGER, [GROUP]), DENIED)
  })

  it('with mode 0666, does not let users connect whom the directory denies', async () => {
    await using directory = await setgidDirectory(0o2750)
    const task = { endpoint: `unix:${directory.at('s')}`, options: { mode: 0o666 } }
    await using _server = await startListening(task, asUser(OWNER))
    assert.equal(await dialAsUser(directory.at('s'), STRANGER, [GROUP]), 'connected')
    assert.deepEqual(await dialAsUser(directory.at('s'), STRANGER), DENIED)
  })
})

describe('a socket with a group of its own', () => {
  it('that its owner is in, has that group', async () => {
    await using directory = await tempDirectory()
    await chown(directory.path, OWNER, OWNER)
    const task = { endpoint: `unix:${directory.at('s')}`, options: { group: GROUP } }
    await using _server = await startListening(task, asUser(OWNER, [GROUP]))
    assert.equal((await lstat(directory.at('s'))).gid, GROUP)
  })
})

describe('a lock file of another user', () => {
  it('that everybody may open, makes the start fail, because that user could hold it for ever', async () => {
    await using directory = await tempDirectory()
    await chmod(directory.path, 0o1777)
    await using stranger = await startListening({ endpoint: `unix:${directory.at('s')}` }, asUser(STRANGER))
    await stranger.crash()
    await chmod(directory.at('s.lock'), 0o666)
    const { code, message, exitCode } = await failureOf(
      { endpoint: `unix:${directory.at('s')}` },
      asUser(OWNER),
    )
    assert.deepEqual([code, exitCode], ['lock_unavailable', 78])
    assert.match(message, /belongs to uid 10003, and we are uid 10001/)
  })

  it('that is private, makes the start fail and says why', async () => {
    await using directory = await tempDirectory()
    await chmod(directory.path, 0o1777)
    await using _stranger = await startListening({ endpoint: `unix:${directory.at('s')}` }, asUser(STRANGER))
    const { code, message, hint } = await failureOf({ endpoint: `unix:${directory.at('s')}` }, asUser(OWNER))
    assert.equal(code, 'lock_unavailable')
    assert.match(message, /cannot be opened: it belongs to uid 10003/)
    assert.ok(hint.endsWith(`: sudo rm ${directory.at('s.lock')}`), hint)
  })
})

async function setgidDirectory(mode: number) {
  const directory = await tempDirectory()
  await chown(directory.path, OWNER, GROUP)
  await chmod(directory.path, mode)
  return directory
}

function dialAsUser(path: string, uid: number, groups: readonly number[] = []): Promise<unknown> {
  return dialAs(asUser(uid, groups), { kind: 'unix', path })
}

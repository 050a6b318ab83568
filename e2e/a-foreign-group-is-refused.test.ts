// A socket can be given to a group of its owner without any capability. Any other group is refused with a hint, and
// before anything is published: at no time is there a socket with another group than the one that was asked for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modesOf } from './support/files.ts'
import type { Insider } from './support/inside.ts'
import { socketVolume, startProbe } from './support/own-container.ts'

const OWN_GROUP = 10_300
const FOREIGN_GROUP = 4_242
const SOCKET = '/run/app/x.sock'

test('a foreign group is refused', async (t) => {
  await using volume = await socketVolume()
  await using server = await startProbe(t, {
    user: '10001:10001',
    groups: [OWN_GROUP],
    mounts: [`${volume.name}:/run/app`],
  })

  await t.test('a foreign group fails before anything is published', async () => {
    const { failure, seen } = await listenWithGroup(server, FOREIGN_GROUP)
    assert.deepEqual(failure, {
      code: 'group_denied',
      errno: 'EPERM',
      exitCode: 77,
      message: `the socket for ${SOCKET} cannot be given to group ${FOREIGN_GROUP}: we are in 10001, ${OWN_GROUP}`,
      hint: `add group_add: ["${FOREIGN_GROUP}"], or make the directory setgid with that group (mode=2750,gid=${FOREIGN_GROUP})`,
    })
    assert.equal(seen, false, 'the path was never there')
    assert.deepEqual(await modesOf(server, [SOCKET]), ['ENOENT'])
  })

  await t.test('a group of its own is given without a capability', async () => {
    const { failure, seen, mode } = await listenWithGroup(server, OWN_GROUP)
    assert.equal(failure, undefined)
    assert.equal(mode, `660 10001:${OWN_GROUP}`)
    assert.equal(seen, true, 'the watch does see what is published')
  })
})

/** Listens and closes again. @returns the failure, and whether a watch saw the path meanwhile */
function listenWithGroup(server: Insider, group: number) {
  return server.inside(
    async (path, group) => {
      const { watch } = await import('node:fs')
      const { lstat } = await import('node:fs/promises')
      const { createServer } = await import('node:net')
      const { Failure } = await import('@uds-sidecar/shared/failure/failure')
      const { listen } = await import('@uds-sidecar/shared/listen/listen')
      let seen = false
      const watcher = watch('/run/app', (_event, name) => {
        seen ||= path.endsWith(`/${name}`)
      })
      try {
        await using _listener = await listen(createServer(), { kind: 'unix', path }, { group, watch: false })
        const { mode, uid, gid } = await lstat(path)
        await new Promise(setImmediate) // what the watch has to tell arrives first
        return { seen, mode: `${(mode & 0o777).toString(8)} ${uid}:${gid}` }
      } catch (error) {
        if (!(error instanceof Failure)) throw error
        await new Promise(setImmediate)
        const { code, errno, exitCode, message, hint } = error
        return { seen, failure: { code, errno, exitCode, message, hint } }
      } finally {
        watcher.close()
      }
    },
    SOCKET,
    group,
  )
}

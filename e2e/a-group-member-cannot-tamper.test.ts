// A member of the socket's group may connect and nothing else: it cannot unlink, replace, chmod or shadow the app's
// socket, neither through the read-only mount that compose.yaml gives it nor through a writable one.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modesOf } from './support/files.ts'
import type { Insider } from './support/inside.ts'
import { startProbe } from './support/own-container.ts'
import { sharedStack } from './support/stack.ts'

const SOCKET = '/run/app/api/api.sock'

test('a group member cannot tamper', async (t) => {
  const stack = await sharedStack(t)
  const volume = stack.volume('api-socket')
  const member = { user: '10003:10003', groups: [10_200] }

  await t.test('on the read-only mount everything is EROFS', async (t) => {
    await using probe = await startProbe(t, { ...member, mounts: [`${volume}:/run/app/api:ro`] })
    assert.deepEqual(await tamper(probe), {
      unlink: 'EROFS',
      replace: 'EROFS',
      chmod: 'EROFS',
      create: 'EROFS',
      listen: 'EROFS',
      connect: 'done',
    })
  })

  await t.test('on a writable mount the group may not write to the directory: EACCES', async (t) => {
    await using probe = await startProbe(t, { ...member, mounts: [`${volume}:/run/app/api`] })
    assert.deepEqual(await tamper(probe), {
      unlink: 'EACCES',
      replace: 'EACCES',
      chmod: 'EPERM', // only its owner may change the mode of a file
      create: 'EACCES',
      listen: 'EACCES',
      connect: 'done',
    })
  })

  await t.test('the socket is unchanged', async () => {
    assert.deepEqual(await modesOf(stack.service('app'), [SOCKET]), ['socket 0660 10001:10200'])
  })
})

/** Tries everything that would disturb the owner. @returns for each `done`, or the errno */
function tamper(probe: Insider) {
  return probe.inside(async (path) => {
    const { chmod, rename, unlink, writeFile } = await import('node:fs/promises')
    const { createServer, connect } = await import('node:net')
    const { once } = await import('node:events')
    const directory = path.slice(0, path.lastIndexOf('/'))
    const attempt = (work: () => Promise<unknown>) =>
      work().then(
        () => 'done',
        (error) => error.code,
      )
    return {
      unlink: await attempt(() => unlink(path)),
      replace: await attempt(() => rename(`${directory}/echo.sock`, path)),
      chmod: await attempt(() => chmod(path, 0o666)),
      create: await attempt(() => writeFile(`${directory}/mine`, '')),
      listen: await attempt(() => once(createServer().listen(`${directory}/mine.sock`), 'listening')),
      connect: await attempt(async () => {
        const socket = connect(path)
        await once(socket, 'connect')
        socket.destroy()
      }),
    }
  }, SOCKET)
}

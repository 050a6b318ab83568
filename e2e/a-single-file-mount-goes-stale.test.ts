// Why volumes hold directories: a container that mounts the socket file itself keeps the first inode. After the app's
// next start it dials a stale socket for ever, while the path is fine for everybody else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialFrom } from './support/connections.ts'
import { engine } from './support/engine.ts'
import { startProbe } from './support/own-container.ts'
import { ownStack } from './support/stack.ts'

const MEMBER = { user: '10003:10003', groups: [10_200] }

test('a single-file mount goes stale', async (t) => {
  const stack = await ownStack(t, { services: ['app'] })
  const volume = stack.volume('api-socket')
  const { Mountpoint } = await engine.getVolume(volume).inspect()
  await using file = await startProbe(t, { ...MEMBER, mounts: [`${Mountpoint}/api.sock:/run/api.sock:ro`] })
  await using directory = await startProbe(t, { ...MEMBER, mounts: [`${volume}:/run/app/api:ro`] })
  const dialBoth = async () => ({
    file: await dialFrom(file, 'unix:/run/api.sock'),
    directory: await dialFrom(directory, 'unix:/run/app/api/api.sock'),
  })
  assert.deepEqual(await dialBoth(), { file: 'connected', directory: 'connected' })

  await stack.service('app').stop()
  await stack.compose.up('app')

  assert.deepEqual(await dialBoth(), { file: 'socket_stale (ECONNREFUSED)', directory: 'connected' })
})

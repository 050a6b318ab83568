// To a socket, root without capabilities is a stranger like any other: mode 0660 denies it. The capability DAC_OVERRIDE
// opens every socket, which is why each container drops all capabilities.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dialFrom } from './support/connections.ts'
import { startProbe } from './support/own-container.ts'
import { sharedStack } from './support/stack.ts'

const SOCKET = 'unix:/run/app/api/api.sock'

test('root without capabilities is denied', async (t) => {
  const stack = await sharedStack(t)
  const mounts = [`${stack.volume('api-socket')}:/run/app/api:ro`]

  await t.test('uid 0 with no capability gets EACCES', async (t) => {
    await using root = await startProbe(t, { user: '0:0', mounts })
    assert.equal(await dialFrom(root, SOCKET), 'socket_denied (EACCES)')
  })

  await t.test('uid 0 with DAC_OVERRIDE, as containers have it unless it is dropped, connects', async (t) => {
    await using root = await startProbe(t, { user: '0:0', mounts, capabilities: ['DAC_OVERRIDE'] })
    assert.equal(await dialFrom(root, SOCKET), 'connected')
  })

  await t.test('uid 0 with no capability but the group of the socket connects', async (t) => {
    await using root = await startProbe(t, { user: '0:0', mounts, groups: [10_200] })
    assert.equal(await dialFrom(root, SOCKET), 'connected')
  })
})

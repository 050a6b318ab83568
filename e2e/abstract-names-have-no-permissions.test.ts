// An abstract name (@name) is not a file: nobody outside its network namespace can reach it, and everybody inside can,
// with any uid. So it cannot lead into a container without a network, and it protects nothing inside a shared one.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { startAppAlone } from './support/app-alone.ts'
import { dialFrom } from './support/connections.ts'
import { socketVolume, startProbe } from './support/own-container.ts'

const NAME = 'unix:@uds-e2e-api'
const NOT_THERE = 'socket_missing (ECONNREFUSED)'
const STRANGER = { user: '20000:20000' }

test('abstract names have no permissions', async (t: TestContext) => {
  await using volume = await socketVolume()
  await using app = await startAppAlone(t, { mounts: [`${volume.name}:/run/app`], env: { APP_API: NAME } })
  await eventuallyPasses(async () => assert.equal(await dialFrom(app, NAME), 'connected'))

  await t.test(
    'from another network namespace it cannot be reached, not even with the same uid',
    async (t) => {
      await using sameUser = await startProbe(t, { user: '10001:10001' })
      assert.equal(await dialFrom(sameUser, NAME), NOT_THERE)
      await using onBridge = await startProbe(t, { ...STRANGER, network: 'bridge' })
      assert.equal(await dialFrom(onBridge, NAME), NOT_THERE)
    },
  )

  await using neighbour = await startProbe(t, { ...STRANGER, network: `container:${app.name}` })

  await t.test('in the same network namespace anybody connects', async () => {
    assert.equal(await dialFrom(neighbour, NAME), 'connected')
  })

  await t.test('when the app has ended, nothing is left there', async () => {
    await app.kill()
    assert.equal(await dialFrom(neighbour, NAME), NOT_THERE)
  })
})

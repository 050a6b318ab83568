// While one instance lives, a second one exits with 75 and changes nothing: whether the first one responds, is paused
// or has a full backlog, and whether it is an app that holds the lock or a server without a lock.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY, runAppToEnd, startAppAlone } from './support/app-alone.ts'
import { connectionsFrom, fillBacklog, getFrom, requestUntil } from './support/connections.ts'
import { identitiesAt, listingOf } from './support/files.ts'
import { startPlainServer } from './support/foreign-servers.ts'
import type { Insider } from './support/inside.ts'
import { type OwnContainer, type SocketVolume, socketVolume, startProbe } from './support/own-container.ts'

const PATH = '/run/app/api.sock'
const API = `unix:${PATH}`
const HEALTH = '/-/healthy'

interface Incumbent {
  readonly what: string
  readonly response: string
  start(t: TestContext, volume: SocketVolume): Promise<OwnContainer>
}

const INCUMBENTS: Incumbent[] = [
  {
    what: 'an app',
    response: HEALTHY,
    start: (t, volume) => startAppAlone(t, { mounts: [`${volume.name}:/run/app`] }),
  },
  {
    what: 'a server without a lock',
    response: '200 plain',
    start: (t, volume) => startPlainServer(t, volume, PATH),
  },
]

for (const { what, response, start } of INCUMBENTS) {
  for (const condition of ['alive', 'paused', 'paused with a full backlog']) {
    test(`beside ${what} that is ${condition} a second instance exits with 75`, async (t) => {
      await using volume = await socketVolume()
      const mounts = [`${volume.name}:/run/app`]
      await using incumbent = await start(t, volume)
      await using probe = await startProbe(t, { user: '10001:10001', mounts })
      await eventuallyPasses(async () => assert.equal(await getFrom(probe, API, HEALTH), response))
      const before = await identitiesAt(probe, [PATH])
      const requestsThroughout =
        condition === 'alive' ? requestUntil(probe, PATH, '/run/app/done', 51) : undefined
      if (condition !== 'alive') await incumbent.pause()
      const requestBefore = condition === 'paused' ? getFrom(probe, API, HEALTH) : undefined
      if (requestBefore !== undefined) await eventuallyPasses(() => waitsInQueue(probe))
      if (condition === 'paused with a full backlog') assert.equal(await fillBacklog(probe, PATH), 512)

      for (const APP_ON_CONFLICT of ['refuse', 'takeover'].slice(0, what === 'an app' ? 1 : 2)) {
        const { exitCode, stderr } = await runAppToEnd({ mounts, env: { APP_ON_CONFLICT } })
        assert.equal(exitCode, 75)
        assert.match(stderr, /^app: in_use: another server owns \/run\/app\/\w+\.sock/)
      }

      if (condition !== 'alive') await incumbent.unpause()
      assert.deepEqual(await identitiesAt(probe, [PATH]), before)
      if (requestBefore !== undefined) assert.equal(await requestBefore, response)
      if (requestsThroughout !== undefined) {
        await probe.touch('/run/app/done')
        const { succeeded, failures } = await requestsThroughout
        assert.deepEqual(failures, [])
        assert(succeeded > 50, `${succeeded} requests are too few to mean something`)
      }
      await eventuallyPasses(async () => assert.equal(await getFrom(probe, API, HEALTH), response))
    })
  }
}

async function waitsInQueue(client: Insider): Promise<void> {
  assert.equal((await connectionsFrom(client, '/run/app')).queued, 1)
}

test('a start that is refused leaves its other paths untouched', async (t) => {
  await using volume = await socketVolume()
  const mounts = [`${volume.name}:/run/app`]
  await using _incumbent = await startPlainServer(t, volume, '/run/app/metrics.sock')
  await using probe = await startProbe(t, { user: '10001:10001', mounts })
  await eventuallyPasses(async () => assert.deepEqual(await listingOf(probe, '/run/app'), ['metrics.sock']))

  assert.equal((await runAppToEnd({ mounts })).exitCode, 75)

  assert.deepEqual(await listingOf(probe, '/run/app'), ['metrics.sock', 'metrics.sock.lock'])
})

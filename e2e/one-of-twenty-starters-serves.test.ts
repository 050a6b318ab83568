// When twenty instances start at the same moment over stale sockets, exactly one of them serves, on all four sockets.
// The others exit with 75.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY, START_FILE, startAppAlone, untilReady, waitingApps } from './support/app-alone.ts'
import { dialFrom, getFrom } from './support/connections.ts'
import { type OwnContainer, socketVolume, startProbe } from './support/own-container.ts'

const STARTERS = 20

test(`one of ${STARTERS} starters serves`, async (t) => {
  await using volume = await socketVolume()
  const mounts = [`${volume.name}:/run/app`]
  await using probe = await startProbe(t, { user: '10001:10001', mounts })
  await leaveStaleSockets(t, mounts)
  for (const name of ['metrics', 'api', 'echo', 'admin'])
    assert.equal(await dialFrom(probe, `unix:/run/app/${name}.sock`), 'socket_stale (ECONNREFUSED)')
  await using cleanup = new AsyncDisposableStack()
  const starters = await waitingApps(t, volume, STARTERS)
  for (const starter of starters) cleanup.use(starter)
  await Promise.all(
    starters.map((starter) => eventuallyPasses(async () => assert.match(await starter.log(), /waiting/))),
  )

  await probe.touch(START_FILE)

  const outcomes = await eventuallyPasses(
    async () => {
      const outcomes = await Promise.all(starters.map(outcomeOf))
      assert.equal(outcomes.filter((outcome) => outcome === 'starting').length, 0)
      return outcomes
    },
    { withinMs: 180_000, everyMs: 500 },
  )
  assert.deepEqual(outcomes.sort(), [...Array(STARTERS - 1).fill(`exit code 75`), 'serving'])
  assert.equal(await getFrom(probe, 'unix:/run/app/api.sock', '/-/healthy'), HEALTHY)
})

async function leaveStaleSockets(t: TestContext, mounts: string[]): Promise<void> {
  await using app = await startAppAlone(t, { mounts })
  await untilReady(app)
  await app.kill()
}

async function outcomeOf(starter: OwnContainer): Promise<string> {
  const { State } = await starter.inspect()
  if (!State.Running) return `exit code ${State.ExitCode}`
  return (await starter.log()).includes('"msg":"ready"') ? 'serving' : 'starting'
}

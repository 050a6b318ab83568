// A new app takes over from a running one, twenty times in a row under load, and no request fails, not even one that
// nobody may repeat. Each time the old app exits with 0 and leaves the sockets of the new one alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { identitiesAt, RELAYED_SOCKETS } from './support/files.ts'
import { Load } from './support/load.ts'
import { ownStack, type Stack } from './support/stack.ts'

const TAKEOVERS = 20
const PATIENCE_MS = 60_000
/** Of each kind. */
const CLIENTS = 2
/** Between two takeovers. */
const REQUESTS = 26

test(`${TAKEOVERS} takeovers fail no request`, async (t) => {
  // An app that was taken over has done its work: with this policy the engine does not start it again (docs/adr/0005).
  const env = { APP_ON_CONFLICT: 'takeover', APP_RESTART: 'on-failure' }
  const stack = await ownStack(t, { services: ['sidecar'], env })
  const sidecarBefore = await stack.service('sidecar').incarnation()
  const api = await stack.endpoint('api')
  await using reads = new Load(CLIENTS, () => request(api, { path: '/status', timeoutMs: PATIENCE_MS }))
  await using visits = new Load(CLIENTS, () =>
    request(api, { method: 'POST', path: '/visits', timeoutMs: PATIENCE_MS }),
  )

  let before = await identitiesAt(stack.service('sidecar'), RELAYED_SOCKETS)
  for (let takeover = 1; takeover <= TAKEOVERS; takeover++) {
    const older = 2 - (takeover % 2)
    await Promise.all([reads.more(REQUESTS), visits.more(REQUESTS)])
    if (takeover === 1) await stack.compose.scale('app', 2)
    else await stack.service('app', 3 - older).start()

    assert.equal(await exitCodeOf(stack, older), 0)
    const after = await identitiesAt(stack.service('sidecar'), RELAYED_SOCKETS)
    for (const [index, path] of RELAYED_SOCKETS.entries()) assert.notEqual(after[index], before[index], path)
    await areUp(stack, takeover + 1)
    before = after
  }

  for (const load of [reads, visits]) {
    await load.end()
    t.diagnostic(`${load.succeeded} requests, ${load.failures.length} failed`)
    assert.deepEqual(load.failures, [])
    assert(load.succeeded > TAKEOVERS * 25, `${load.succeeded} requests are too few to mean something`)
  }
  assert.equal(String((await request(api, { path: '/visits' })).body), `{"visits":${visits.succeeded}}`)
  assert.equal(await stack.service('sidecar').incarnation(), sidecarBefore)
})

/** On a busy machine a new app may take more than a second to respond to its first readiness probe: not yet up. */
async function areUp(stack: Stack, generation: number): Promise<void> {
  await eventuallyPasses(async () => {
    for (const route of Object.values(await stack.routes()))
      assert.deepEqual([route.name, route.state, route.generation], [route.name, 'up', generation])
  })
}

function exitCodeOf(stack: Stack, index: number): Promise<number> {
  return eventuallyPasses(async () => {
    const { State } = await stack.service('app', index).inspect()
    assert.equal(State.Running, false)
    return State.ExitCode
  })
}

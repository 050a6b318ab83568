// Under `restart: unless-stopped` a second instance is a stand-by: it exits with 75 and is started again as long as the
// first one lives, which is not disturbed. Soon after the first one has ended, the second one serves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { identitiesAt, RELAYED_SOCKETS } from './support/files.ts'
import { ownStack } from './support/stack.ts'

test('a second instance stands by', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  const first = stack.service('app', 1)
  const second = stack.service('app', 2)
  const before = [await first.incarnation(), ...(await identitiesAt(first, RELAYED_SOCKETS))]

  await t.test('it is refused and started again, and the first does not notice', async () => {
    await stack.compose.scale('app', 2)
    await eventuallyPasses(async () => {
      const { RestartCount, State } = await second.inspect()
      assert(RestartCount >= 2)
      assert.equal(State.ExitCode, 75)
    })
    assert.deepEqual([await first.incarnation(), ...(await identitiesAt(first, RELAYED_SOCKETS))], before)
    await eventuallyPasses(async () => {
      for (const { state, generation } of Object.values(await stack.routes()))
        assert.deepEqual([state, generation], ['up', 1])
    })
  })

  await t.test('when the first has gone, it serves', async () => {
    assert.equal(await first.stop(), 0)
    await eventuallyPasses(async () => {
      for (const { state } of Object.values(await stack.routes())) assert.equal(state, 'up')
    })
    assert.equal((await stack.request('api', '/status')).status, 200)
    await eventuallyPasses(async () => assert.equal(await second.condition(), 'healthy'))
  })
})

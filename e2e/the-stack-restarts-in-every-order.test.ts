// All three services have ended. In whatever order they are started again, each starts only once, whether what it needs
// is there or not. The stack becomes healthy by itself, and no visit is lost.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { ownStack } from './support/stack.ts'

const ORDERS = [
  ['redis', 'app', 'sidecar'],
  ['redis', 'sidecar', 'app'],
  ['app', 'redis', 'sidecar'],
  ['app', 'sidecar', 'redis'],
  ['sidecar', 'redis', 'app'],
  ['sidecar', 'app', 'redis'],
]

test('the stack restarts in every order', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  let visits = 0

  for (const order of ORDERS) {
    await t.test(order.join(', '), async () => {
      for (const name of order) assert.equal(await stack.service(name).stop(), 0)
      const started: string[] = []
      for (const name of order) {
        await stack.service(name).start()
        started.push(await stack.service(name).incarnation())
      }
      visits += 1
      // Not with a POST: a visit may be refused, because Redis responds too late, and counted all the same.
      await eventuallyPasses(async () => assert.equal((await stack.request('api', '/visits')).status, 200))
      await eventuallyPasses(async () => assert.equal((await stack.request('ops', '/-/ready')).status, 200))
      const { body } = await stack.request('api', '/visits', { method: 'POST' })
      assert.equal(String(body), `{"visits":${visits}}`)
      assert.deepEqual(await Promise.all(order.map((name) => stack.service(name).incarnation())), started)
    })
  }
})

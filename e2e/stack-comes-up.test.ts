// `docker compose up` brings the whole stack to health in the order of its dependencies, and its published ports
// respond.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { sharedStack } from './support/stack.ts'

test('the stack comes up', async (t) => {
  const stack = await sharedStack(t)

  for (const name of ['redis', 'app', 'sidecar', 'client']) {
    await t.test(`${name} is healthy by its own health check`, async () => {
      assert.equal(await stack.service(name).condition(), 'healthy')
    })
  }

  await t.test('the API responds on its published port', async () => {
    const { status, body } = await stack.request('api', '/status')
    assert.equal(status, 200)
    const { name, redis } = JSON.parse(body.toString())
    assert.deepEqual({ name, redis }, { name: 'app', redis: 'up' })
  })

  await t.test('the sidecar is ready: all its upstream sockets accept connections', async () => {
    await eventuallyPasses(async () => {
      const { status, body } = await stack.request('ops', '/-/ready')
      assert.equal(status, 200)
      assert.deepEqual(JSON.parse(body.toString()), { ready: true, down: [] })
    })
  })
})

// An app that is killed while requests wait for it, in its hands or still in its listen queue: each of them is answered
// with 502 upstream_reset, none is left hanging, and none is sent twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { askAdmin } from './support/admin.ts'
import { eventually } from './support/eventually.ts'
import { statusAndCode } from './support/problem.ts'
import { routesOf } from './support/routes.ts'
import { Stack } from './support/stack.ts'

const REQUESTS = 10

test('killed with requests in flight', async (t) => {
  await using stack = await Stack.start(t, { services: ['sidecar'], env: { APP_CHAOS: 'on' } })
  await askAdmin(stack.service('app'), 'POST', '/chaos/hang?on=true')
  await killWithRequests(stack)
})

test('killed with requests in the listen queue', async (t) => {
  await using stack = await Stack.start(t, { services: ['sidecar'] })
  await stack.service('app').container.pause()
  await killWithRequests(stack)
})

async function killWithRequests(stack: Stack): Promise<void> {
  const answers = Array.from({ length: REQUESTS }, () => stack.request('api', '/visits', { method: 'POST' }))
  await eventually(async () => assert.equal((await routesOf(stack)).api?.connections, REQUESTS))
  await stack.service('app').kill()

  const outcomes = (await Promise.all(answers)).map(statusAndCode)
  assert.deepEqual(outcomes, Array(REQUESTS).fill('502 upstream_reset'))
  const metrics = String((await stack.request('ops', '/metrics')).body)
  assert.match(
    metrics,
    new RegExp(`^sidecar_upstream_errors_total{.*reason="upstream_reset".*} ${REQUESTS}$`, 'm'),
  )
}

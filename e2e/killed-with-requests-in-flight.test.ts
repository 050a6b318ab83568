// When an app is killed while requests wait for it, in the app or still in its listen queue, each of them gets 502
// upstream_reset. None hangs, and none is sent twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { connectionsFrom } from './support/connections.ts'
import { HELD_RESPONSES, holdResponses, untilHeld } from './support/held-responses.ts'
import { ownStack, type Stack, statusAndCode } from './support/stack.ts'

const REQUESTS = 10
const API_DIRECTORY = '/run/app/api'

test('killed with requests in flight', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'], ...HELD_RESPONSES })
  const app = stack.service('app')
  await holdResponses(app)
  await killWithRequests(stack, () => untilHeld(app, REQUESTS))
})

test('killed with requests in the listen queue', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  await stack.service('app').pause()
  await killWithRequests(stack, async () => {
    const { queued, accepted } = await connectionsFrom(stack.service('sidecar'), API_DIRECTORY)
    assert.deepEqual({ queued, accepted }, { queued: REQUESTS, accepted: 0 })
  })
})

/** @param areThere throws until all requests are where the kill is to meet them */
async function killWithRequests(stack: Stack, areThere: () => Promise<void>): Promise<void> {
  const responses = Array.from({ length: REQUESTS }, () =>
    stack.request('api', '/visits', { method: 'POST' }),
  )
  await eventuallyPasses(areThere)
  await stack.service('app').kill()

  const outcomes = (await Promise.all(responses)).map(statusAndCode)
  assert.deepEqual(outcomes, Array(REQUESTS).fill('502 upstream_reset'))
  const metrics = String((await stack.request('ops', '/metrics')).body)
  assert.match(
    metrics,
    new RegExp(`^sidecar_upstream_errors_total{.*reason="upstream_reset".*} ${REQUESTS}$`, 'm'),
  )
}

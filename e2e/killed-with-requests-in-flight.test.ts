// An app that is killed while requests wait for it, in its hands or still in its listen queue: each of them is answered
// with 502 upstream_reset, none is left hanging, and none is sent twice.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/eventually'
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

/** @param areThere throws as long as the requests have not come to where the app is to be killed with them */
async function killWithRequests(stack: Stack, areThere: () => Promise<void>): Promise<void> {
  const answers = Array.from({ length: REQUESTS }, () => stack.request('api', '/visits', { method: 'POST' }))
  await eventuallyPasses(areThere)
  await stack.service('app').kill()

  const outcomes = (await Promise.all(answers)).map(statusAndCode)
  assert.deepEqual(outcomes, Array(REQUESTS).fill('502 upstream_reset'))
  const metrics = String((await stack.request('ops', '/metrics')).body)
  assert.match(
    metrics,
    new RegExp(`^sidecar_upstream_errors_total{.*reason="upstream_reset".*} ${REQUESTS}$`, 'm'),
  )
}

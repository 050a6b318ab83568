// A sidecar that is only in the metrics group serves metrics and cannot reach the API, although both volumes are
// mounted: the kernel decides for each socket which process may use it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { ownStack, statusAndCode } from './support/stack.ts'

test('a metrics-only sidecar cannot reach the API', async (t) => {
  const stack = await ownStack(t, {
    services: ['sidecar'],
    overlays: ['sidecar-for-metrics-alone'],
  })

  assert.equal((await stack.request('metrics', '/metrics')).status, 200)
  assert.equal(statusAndCode(await stack.request('api', '/status')), '502 socket_denied')
  await eventuallyPasses(async () => {
    const { metrics, ...others } = await stack.routes()
    assert.equal(metrics?.state, 'up')
    assert.deepEqual(Object.keys(others), ['api', 'api-tls', 'echo'])
    for (const { state, lastError } of Object.values(others))
      assert.deepEqual([state, lastError?.code, lastError?.errno], ['down', 'socket_denied', 'EACCES'])
  })
})

// A sidecar that is only in the metrics group serves metrics and cannot reach the API, although both volumes are
// mounted: the kernel decides for each socket which process may use it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownStack, statusAndCode } from './support/stack.ts'

test('a metrics-only sidecar cannot reach the API', async (t) => {
  const stack = await ownStack(t, {
    services: ['sidecar'],
    overlays: ['sidecar-for-metrics-alone'],
  })

  assert.equal((await stack.request('metrics', '/metrics')).status, 200)
  assert.equal(statusAndCode(await stack.request('api', '/status')), '502 socket_denied')
  const routes = Object.values(await stack.routes())
  assert.deepEqual(
    routes.map(({ name, state, lastError }) => [name, state, lastError?.code, lastError?.errno]),
    [
      ['metrics', 'up', undefined, undefined],
      ['api', 'down', 'socket_denied', 'EACCES'],
      ['api-tls', 'down', 'socket_denied', 'EACCES'],
      ['echo', 'down', 'socket_denied', 'EACCES'],
    ],
  )
})

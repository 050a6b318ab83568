// SIGKILL leaves the socket file, and the sidecar says what it is: 503 socket_stale. The next start replaces it at
// once: 200, the next generation, and another inode.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { identitiesAt, modesOf } from './support/files.ts'
import { ownStack, statusAndCode } from './support/stack.ts'

const SOCKET = '/run/app/metrics/metrics.sock'

test('SIGKILL leaves a stale socket', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  const app = stack.service('app')
  const sidecar = stack.service('sidecar')
  const before = await identitiesAt(sidecar, [SOCKET])
  assert.equal((await stack.routes()).metrics?.generation, 1)

  await app.kill()

  await t.test('the file stays as it was', async () => {
    assert.deepEqual(await identitiesAt(sidecar, [SOCKET]), before)
    assert.deepEqual(await modesOf(sidecar, [SOCKET]), ['socket 0660 10001:10100'])
  })

  await t.test('the sidecar responds with 503 socket_stale and Retry-After', async () => {
    const response = await stack.request('metrics', '/metrics')
    assert.equal(statusAndCode(response), '503 socket_stale')
    assert.equal(response.headers['retry-after'], '1')
  })

  await t.test('/routes says so of every route, and counts no new socket', async () => {
    for (const { state, lastError, generation } of Object.values(await stack.routes())) {
      assert.deepEqual([state, lastError?.code, lastError?.errno], ['down', 'socket_stale', 'ECONNREFUSED'])
      assert.equal(generation, 1)
    }
  })

  await app.start()
  await eventuallyPasses(async () => assert.equal((await stack.request('metrics', '/metrics')).status, 200))

  await t.test('the next start replaces it: another inode, one generation on', async () => {
    assert.notDeepEqual(await identitiesAt(sidecar, [SOCKET]), before)
    await eventuallyPasses(async () => {
      for (const { state, generation } of Object.values(await stack.routes()))
        assert.deepEqual([state, generation], ['up', 2])
    })
  })
})

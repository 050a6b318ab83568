// An app that knows nothing of this project and only listens on a path gets the sidecar with examples/any-app: what is
// allowed is relayed, the rest is refused, and after a crash only the app has to be started again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { ownStack, statusAndCode } from './support/stack.ts'

test('any app gets a sidecar', async (t) => {
  const stack = await ownStack(t, { file: 'examples/any-app/compose.yaml' })

  await t.test('what is allowed is relayed', async () => {
    const { status, headers, body } = await stack.request('metrics', '/metrics')
    assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4'])
    assert.equal(String(body), 'any_requests_total{path="/metrics"} 1\n')
  })

  await t.test('the rest is refused', async () => {
    assert.equal(statusAndCode(await stack.request('metrics', '/other')), '403 path_not_allowed')
  })

  await t.test('a crash is 503 socket_stale, and starting the app again is enough', async () => {
    const { State: before } = await stack.service('sidecar').inspect()
    await stack.service('app').kill()
    assert.equal(statusAndCode(await stack.request('metrics', '/metrics')), '503 socket_stale')
    await stack.service('app').start()
    await eventuallyPasses(async () => assert.equal((await stack.request('metrics', '/metrics')).status, 200))
    const { State: after } = await stack.service('sidecar').inspect()
    assert.equal(after.Pid, before.Pid)
  })
})

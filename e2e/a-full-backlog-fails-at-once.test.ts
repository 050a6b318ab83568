// A full listen backlog is EAGAIN at once, not a wait: the sidecar responds with 503 backlog_full within milliseconds.
// The queue holds one connection more than the app's backlog, or than the kernel's somaxconn where that is lower.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { atItsQuickest, eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY, startAppAlone } from './support/app-alone.ts'
import { dialFrom, fillBacklog, getFrom } from './support/connections.ts'
import { socketVolume, startProbe } from './support/own-container.ts'
import { ownStack, statusAndCode } from './support/stack.ts'

const BACKLOG = 511
const SOMAXCONN = 8

test('a full backlog fails at once', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  const app = stack.service('app')
  await using probe = await startProbe(t, {
    user: '10003:10003',
    groups: [10_200],
    mounts: [`${stack.volume('api-socket')}:/run/app/api:ro`],
  })
  await app.pause()

  await t.test('a dial fails with EAGAIN', async () => {
    await fillBacklog(probe, '/run/app/api/api.sock')
    assert.equal(await dialFrom(probe, 'unix:/run/app/api/api.sock'), 'backlog_full (EAGAIN)')
  })

  await t.test('the sidecar responds with 503 backlog_full without waiting', async () => {
    const api = await stack.endpoint('api')
    const { outcomes } = await atItsQuickest(500, () => request(api, { path: '/status', timeoutMs: 60_000 }))
    for (const response of outcomes) {
      assert.equal(statusAndCode(response), '503 backlog_full')
      assert.equal(response.headers['retry-after'], '1')
    }
  })

  await app.unpause()

  await t.test('200 when the app accepts again', async () => {
    await eventuallyPasses(async () => assert.equal((await stack.request('api', '/status')).status, 200))
  })
})

for (const [what, somaxconn, taken] of [
  ['the queue takes the backlog and one more', 4_096, BACKLOG + 1],
  ['somaxconn caps the queue', SOMAXCONN, SOMAXCONN + 1],
] as const) {
  // Nobody else connects to this app: it has no health check that might wait in the queue, too.
  test(what, async (t) => {
    await using volume = await socketVolume()
    const mounts = [`${volume.name}:/run/app`]
    await using app = await startAppAlone(t, { mounts, sysctls: { 'net.core.somaxconn': String(somaxconn) } })
    await using probe = await startProbe(t, { user: '10001:10001', mounts })
    // A response, and not only a connection: that could still wait in the queue when the app is paused.
    await eventuallyPasses(async () =>
      assert.equal(await getFrom(probe, 'unix:/run/app/api.sock', '/-/healthy'), HEALTHY),
    )
    await app.pause()
    assert.equal(await fillBacklog(probe, '/run/app/api.sock'), taken)
    await app.unpause()
  })
}

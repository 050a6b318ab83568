// A full listen backlog is EAGAIN at once, not a wait: the sidecar answers 503 backlog_full within milliseconds. The
// length of the queue is the app's backlog, or the kernel's somaxconn where that is lower, and one more.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAppAlone } from './support/app-alone.ts'
import { dialFrom } from './support/dial-from.ts'
import { eventually } from './support/eventually.ts'
import { fillBacklog } from './support/fill-backlog.ts'
import { startProbe } from './support/probe.ts'
import { statusAndCode } from './support/problem.ts'
import { socketVolume } from './support/socket-volume.ts'
import { Stack } from './support/stack.ts'

const BACKLOG = 511
const SOMAXCONN = 8

test('a full backlog is told at once', async (t) => {
  await using stack = await Stack.start(t, { services: ['sidecar'] })
  const app = stack.service('app').container
  await using probe = await startProbe(t, {
    user: '10003:10003',
    groups: [10_200],
    mounts: [`${stack.volume('api-socket')}:/run/app/api:ro`],
  })
  await app.pause()

  await t.test(`the queue takes the backlog and one more, then EAGAIN`, async () => {
    assert.equal(await fillBacklog(probe, '/run/app/api/api.sock'), BACKLOG + 1)
    assert.equal(await dialFrom(probe, 'unix:/run/app/api/api.sock'), 'backlog_full (EAGAIN)')
  })

  await t.test('the sidecar answers 503 backlog_full without waiting', async () => {
    const start = performance.now()
    const response = await stack.request('api', '/status')
    const ms = performance.now() - start
    assert.equal(statusAndCode(response), '503 backlog_full')
    assert.equal(response.headers['retry-after'], '1')
    assert(ms < 500, `it took ${ms} ms`)
  })

  await app.unpause()

  await t.test('200 when the app accepts again', async () => {
    await eventually(async () => assert.equal((await stack.request('api', '/status')).status, 200))
  })
})

test('somaxconn caps the queue', async (t) => {
  await using volume = await socketVolume()
  const mounts = [`${volume.name}:/run/app`]
  await using app = await startAppAlone(t, { mounts, sysctls: { 'net.core.somaxconn': String(SOMAXCONN) } })
  await using probe = await startProbe(t, { user: '10001:10001', mounts })
  await eventually(async () => assert.equal(await dialFrom(probe, 'unix:/run/app/api.sock'), 'connected'))
  await app.container.pause()
  assert.equal(await fillBacklog(probe, '/run/app/api.sock'), SOMAXCONN + 1)
  await app.container.unpause()
})

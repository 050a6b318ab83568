// An app that exists and does not respond is 504 upstream_timeout at the deadline. A scraper's own timeout shortens
// that deadline, so that the scraper still gets the 504. As soon as the app continues, requests are 200 again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type RequestOptions, request } from '@uds-sidecar/shared/http/request'
import { atItsQuickest, eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { ownStack, statusAndCode } from './support/stack.ts'

test('a paused app times out', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'], overlays: ['impatient-sidecar'] })
  const app = stack.service('app')
  await app.pause()

  await t.test('at the deadline of the route, not before', async () => {
    await timesOut(await stack.endpoint('api'), { path: '/status' }, 1_000, 3_000)
  })

  await t.test("before the scraper's own deadline of 1 s, where the route's is 3 s", async () => {
    const headers = { 'x-prometheus-scrape-timeout-seconds': '1' }
    await timesOut(await stack.endpoint('metrics'), { path: '/metrics', headers }, 750, 1_000)
  })

  await app.unpause()

  await t.test('200 when the app continues', async () => {
    await eventuallyPasses(async () => {
      assert.equal((await stack.request('api', '/status')).status, 200)
      assert.equal((await stack.request('metrics', '/metrics')).status, 200)
    })
  })
})

async function timesOut(to: Endpoint, what: RequestOptions, leastMs: number, mostMs: number): Promise<void> {
  const { ms, outcomes } = await atItsQuickest(mostMs, () => request(to, { ...what, timeoutMs: 60_000 }))
  for (const response of outcomes) assert.equal(statusAndCode(response), '504 upstream_timeout')
  assert(ms >= leastMs, `it took ${Math.round(ms)} ms, expected at least ${leastMs}`)
}

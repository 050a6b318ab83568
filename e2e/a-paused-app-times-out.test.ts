// An app that is there and does not answer is 504 upstream_timeout at the deadline, which a scraper's own timeout
// shortens, so that the scraper hears of it; and 200 as soon as it goes on.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { statusAndCode } from './support/problem.ts'
import { Stack } from './support/stack.ts'

const PATIENT = { timeoutMs: 10_000 }

test('a paused app times out', async (t) => {
  await using stack = await Stack.start(t, { services: ['sidecar'], overlays: ['impatient-sidecar'] })
  const app = stack.service('app').container
  await app.pause()

  await t.test('at the deadline of the route, not before', async () => {
    const start = performance.now()
    const response = await stack.request('api', '/status', PATIENT)
    assert.equal(statusAndCode(response), '504 upstream_timeout')
    assertBetween(performance.now() - start, 1_000, 3_000)
  })

  await t.test("before the scraper's own deadline of 1 s, where the route's is 3 s", async () => {
    const start = performance.now()
    const headers = { 'x-prometheus-scrape-timeout-seconds': '1' }
    const response = await stack.request('metrics', '/metrics', { ...PATIENT, headers })
    assert.equal(statusAndCode(response), '504 upstream_timeout')
    assertBetween(performance.now() - start, 750, 1_000)
  })

  await app.unpause()

  await t.test('200 when it goes on', async () => {
    await eventually(async () => {
      assert.equal((await stack.request('api', '/status')).status, 200)
      assert.equal((await stack.request('metrics', '/metrics')).status, 200)
    })
  })
})

function assertBetween(ms: number, least: number, most: number): void {
  assert(ms >= least && ms < most, `it took ${Math.round(ms)} ms, expected ${least} to ${most}`)
}

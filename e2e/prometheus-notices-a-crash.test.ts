// After the app was killed, the very next scrape has up 0, and the alert fires after its 30 s. When the app is back,
// the next scrape has up 1 and the alert resolves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { alertStates, type Point, scrapedPoints } from './support/prometheus.ts'
import { ownStack, type Stack } from './support/stack.ts'

const UP = 'up{job="app"}'
const ALERT = 'AppNotScraped'
const SCRAPE_INTERVAL_MS = 5_000
const PATIENCE = { withinMs: 180_000, everyMs: 500 }

test('Prometheus notices a crash', async (t) => {
  const stack = await ownStack(t, { services: ['prometheus'], profiles: ['observability'] })
  const app = stack.service('app')
  await eventuallyPasses(async () => assert.equal((await scrapedPoints(stack, UP)).at(-1)?.value, 1))

  await app.kill()
  const killedAtMs = Date.now()

  await t.test('the next scrape says up 0', async () => {
    const { last, next } = await pointsAround(stack, killedAtMs)
    assert.equal(next.value, 0)
    assert.equal(Math.round((next.atMs - last.atMs) / SCRAPE_INTERVAL_MS), 1, 'no scrape was left out')
  })

  await t.test('the alert waits, then fires', async () => {
    await eventuallyPasses(
      async () => assert.deepEqual(await alertStates(stack, ALERT), ['pending']),
      PATIENCE,
    )
    await eventuallyPasses(
      async () => assert.deepEqual(await alertStates(stack, ALERT), ['firing']),
      PATIENCE,
    )
  })

  await app.start()
  await eventuallyPasses(async () => assert.equal((await stack.request('metrics', '/metrics')).status, 200))
  const backAtMs = Date.now()

  await t.test('the next scrape says up 1', async () => {
    assert.equal((await pointsAround(stack, backAtMs)).next.value, 1)
  })

  await t.test('the alert resolves', async () => {
    await eventuallyPasses(async () => assert.deepEqual(await alertStates(stack, ALERT), []), PATIENCE)
  })
})

/** The last point that was scraped before that time, and the first after it. */
function pointsAround(stack: Stack, timeMs: number): Promise<{ last: Point; next: Point }> {
  return eventuallyPasses(async () => {
    const points = await scrapedPoints(stack, UP)
    const last = points.findLast(({ atMs }) => atMs <= timeMs)
    const next = points.find(({ atMs }) => atMs > timeMs)
    assert(last !== undefined && next !== undefined)
    return { last, next }
  })
}

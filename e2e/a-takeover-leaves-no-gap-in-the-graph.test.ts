// A takeover cannot be seen in Prometheus: no scrape fails, none is missing, and the counter of visits neither falls
// nor starts again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { instantQuery, scrapedPoints } from './support/prometheus.ts'
import { ownStack, type Stack } from './support/stack.ts'

const VISITS = 3
const SCRAPE_INTERVAL_MS = 5_000

test('a takeover leaves no gap in the graph', async (t) => {
  const env = { APP_ON_CONFLICT: 'takeover', APP_RESTART: 'on-failure' }
  const profiles = ['observability']
  const stack = await ownStack(t, { services: ['prometheus'], profiles, env })
  await visitAndSee(stack, VISITS)

  await stack.compose.scale('app', 2)
  await eventuallyPasses(async () => assert.equal(await stack.service('app', 1).condition(), 'exited'))
  await visitAndSee(stack, VISITS * 2)

  const up = await scrapedPoints(stack, 'up{job="app"}')
  assert.deepEqual([...new Set(up.map(({ value }) => value))], [1])
  for (const [index, { atMs }] of up.slice(1).entries()) {
    const gapMs = atMs - (up[index]?.atMs ?? 0)
    // A busy machine makes Prometheus a little late.
    assert.equal(Math.round(gapMs / SCRAPE_INTERVAL_MS), 1, `${gapMs} ms between two scrapes`)
  }
  const missing = 'count_over_time(up{job="app"}[5m]) - on () count_over_time(app_visits_total[5m])'
  assert.equal((await instantQuery(stack, missing))[0]?.value, 0, 'every scrape has the counter')
  assert.equal((await instantQuery(stack, 'resets(app_visits_total[5m])'))[0]?.value, 0, 'it never falls')
})

/** Makes visits until there are so many, and waits until Prometheus has scraped that. */
async function visitAndSee(stack: Stack, total: number): Promise<void> {
  for (let visits = 0; visits < total; ) {
    const { body } = await stack.request('api', '/visits', { method: 'POST' })
    visits = JSON.parse(String(body)).visits
  }
  await eventuallyPasses(async () => {
    assert.equal((await scrapedPoints(stack, 'app_visits_total')).at(-1)?.value, total)
  })
}

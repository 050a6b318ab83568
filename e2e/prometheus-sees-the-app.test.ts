// A real Prometheus on the edge network sees both targets up. Through the sidecar it counts the visits to an app that
// has no network.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { instantQuery } from './support/prometheus.ts'
import { ownStack } from './support/stack.ts'

const VISITS = 7

test('Prometheus sees the app', async (t) => {
  const stack = await ownStack(t, { services: ['prometheus'], profiles: ['observability'] })

  await t.test('up is 1 for the app, through the sidecar, and for the sidecar', async () => {
    await eventuallyPasses(async () => {
      assert.deepEqual(await instantQuery(stack, 'up'), [
        { labels: { __name__: 'up', instance: 'sidecar:9464', job: 'app' }, value: 1 },
        { labels: { __name__: 'up', instance: 'sidecar:9901', job: 'sidecar' }, value: 1 },
      ])
    })
  })

  await t.test('app_visits_total equals the visits that were made', async () => {
    for (let visit = 1; visit <= VISITS; visit++) {
      const { body } = await stack.request('api', '/visits', { method: 'POST' })
      assert.deepEqual(JSON.parse(body.toString()), { visits: visit })
    }
    await eventuallyPasses(async () => {
      assert.deepEqual(await instantQuery(stack, 'app_visits_total'), [
        { labels: { __name__: 'app_visits_total', instance: 'sidecar:9464', job: 'app' }, value: VISITS },
      ])
    })
  })
})

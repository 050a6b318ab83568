// A real Prometheus scrapes the app over TLS and proves who it is with a client certificate. The same Prometheus without
// one gets nothing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { instantQuery } from './support/prometheus.ts'
import { ownStack } from './support/stack.ts'

test('Prometheus scrapes with a certificate', async (t) => {
  const stack = await ownStack(t, {
    services: ['prometheus'],
    profiles: ['observability'],
    overlays: ['prometheus-with-a-certificate'],
  })
  await eventuallyPasses(async () => {
    const targets = await instantQuery(stack, 'up')
    assert.deepEqual(targets.map(({ labels, value }) => `${labels.job} ${value}`).sort(), [
      'app 1',
      'nobody 0',
    ])
  })
})

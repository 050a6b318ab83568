// `make down` removes everything that came up, including Prometheus: containers, volumes and network.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { leftovers } from './support/leftovers.ts'
import { REPOSITORY } from './support/run.ts'
import { ownStack } from './support/stack.ts'

test('make down leaves nothing', async (t) => {
  const stack = await ownStack(t, { profiles: ['observability'] })
  const { name } = stack.compose
  assert.deepEqual(await leftovers(name), {
    containers: ['app', 'certificates', 'client', 'partner', 'prometheus', 'redis', 'sidecar'].map(
      (service) => `/${name}-${service}-1`,
    ),
    networks: [`${name}_edge`, `${name}_outside`],
    volumes: [
      'api-socket',
      'client-certificates',
      'egress-socket',
      'metrics-socket',
      'partner-certificates',
      'prometheus-certificates',
      'redis-data',
      'redis-socket',
      'sidecar-certificates',
    ].map((volume) => `${name}_${volume}`),
  })

  const env = { ...process.env, COMPOSE_PROJECT_NAME: name }
  await promisify(execFile)('make', ['down'], { cwd: REPOSITORY, env })

  assert.deepEqual(await leftovers(name), { containers: [], networks: [], volumes: [] })
})

// A run of `make places` that is interrupted removes its containers, networks and volumes, and nothing else.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { it } from 'node:test'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { docker } from '../docker.ts'
import { labelOf, sweep } from '../made-by-run.ts'

const SUPPORT = join(import.meta.dirname, '..')

/** What the engine has with this label. */
async function madeWith(label: string): Promise<string[]> {
  const filter = ['--quiet', '--filter', `label=${label}`]
  const lists = await Promise.all([docker('ps', '--all', ...filter), docker('network', 'ls', ...filter)])
  return lists.flatMap((list) => list.split('\n')).filter((line) => line !== '')
}

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  it(`is swept after ${signal}`, async () => {
    const run = randomBytes(4).toString('hex')
    const label = labelOf(run)
    const options = ['--test', `--test-global-setup=${SUPPORT}/global-setup.ts`]
    const { NODE_TEST_CONTEXT: _, ...env } = process.env // it is a run of its own
    const child = spawn(process.execPath, [...options, `${SUPPORT}/place/a-machine-that-hangs.ts`], {
      env: { ...env, UDS_PLACES_RUN: run },
      stdio: 'ignore',
    })
    try {
      await eventually('its container and its network', async () => (await madeWith(label)).length === 2)
      child.kill(signal)
      await once(child, 'close')
      assert.deepEqual(await madeWith(label), [])
    } finally {
      await sweep(label)
    }
  })

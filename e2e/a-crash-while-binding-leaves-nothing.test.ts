// An app that is killed while it prepares its sockets leaves a private directory behind, and no socket that a client
// could mistake for one of the app. The next start removes the directory and serves.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appBox, HEALTHY, startAppAlone, untilReady } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import { listingOf } from './support/files.ts'
import { nodeCommand } from './support/inside.ts'
import { runToEnd, socketVolume, startProbe } from './support/own-container.ts'

const SIGKILLED = 137

/** The steps of publishing, in their order, and whether the path is there when the app is killed at that step. */
const STEPS = [
  { step: 'chmod', published: false },
  { step: 'rename', published: false },
  { step: 'rmdir', published: true },
] as const

for (const { step, published } of STEPS) {
  test(`killed before ${step}: nothing is left after the next start`, async (t) => {
    await using volume = await socketVolume()
    const mounts = [`${volume.name}:/run/app`]
    await using probe = await startProbe(t, { user: '10001:10001', mounts })

    const { exitCode } = await runToEnd(appBox({ mounts, entrypoint: nodeCommand(startAndDieAt, step) }))
    assert.equal(exitCode, SIGKILLED)
    const left = await listingOf(probe, '/run/app')
    assert(
      left.some((name) => name.startsWith('.~')),
      `it left ${left}`,
    )
    assert.equal(left.includes('metrics.sock'), published)

    await using app = await startAppAlone(t, { mounts })
    await untilReady(app)
    assert.equal(await getFrom(probe, 'unix:/run/app/api.sock', '/-/healthy'), HEALTHY)
    assert.deepEqual(
      (await listingOf(probe, '/run/app')).filter((name) => !name.endsWith('.lock')),
      ['admin.sock', 'api.sock', 'echo.sock', 'metrics.sock'],
    )
  })
}

/** The real app, which kills itself with SIGKILL instead of taking the step for the first time. */
async function startAndDieAt(step: 'chmod' | 'rename' | 'rmdir'): Promise<void> {
  const { default: fs } = await import('node:fs')
  const { syncBuiltinESMExports } = await import('node:module')
  fs.promises[step] = async () => process.kill(process.pid, 'SIGKILL') as never
  syncBuiltinESMExports()
  // @ts-expect-error: exists only in the image
  await import('/srv/bundle/main.mjs')
}

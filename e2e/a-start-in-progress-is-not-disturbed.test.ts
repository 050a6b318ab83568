// Once a start holds the lock, it owns its path, even before it has a socket. A second instance exits with 75, also one
// that is allowed to take over from a running server, and does not touch what is being prepared.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { runAppToEnd, startAppAlone } from './support/app-alone.ts'
import { listingOf } from './support/files.ts'
import { nodeCommand } from './support/inside.ts'
import { socketVolume } from './support/own-container.ts'

const LONGER_THAN_ANY_TEST_MS = 600_000

for (const APP_ON_CONFLICT of ['refuse', 'takeover']) {
  test(`a start in progress is not disturbed (${APP_ON_CONFLICT})`, async (t) => {
    await using volume = await socketVolume()
    const mounts = [`${volume.name}:/run/app`]
    await using starting = await startAppAlone(t, {
      mounts,
      entrypoint: nodeCommand(startAndStopShort, LONGER_THAN_ANY_TEST_MS),
    })
    const before = await eventuallyPasses(async () => {
      const names = await listingOf(starting, '/run/app')
      assert(names.some((name) => name.startsWith('.~')))
      return names
    })
    assert(!before.includes('metrics.sock'))

    const { exitCode, stderr } = await runAppToEnd({ mounts, env: { APP_ON_CONFLICT } })

    assert.equal(exitCode, 75)
    assert.match(stderr, /^app: in_use: another server owns \/run\/app\/metrics\.sock/)
    assert.deepEqual(await listingOf(starting, '/run/app'), before)
  })
}

/** The real app, whose first rename never ends. */
async function startAndStopShort(forMs: number): Promise<void> {
  const { default: fs } = await import('node:fs')
  const { syncBuiltinESMExports } = await import('node:module')
  fs.promises.rename = () => new Promise((resolve) => setTimeout(resolve, forMs))
  syncBuiltinESMExports()
  // @ts-expect-error: exists only in the image
  await import('/srv/bundle/main.mjs')
}

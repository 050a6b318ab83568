// An app gets SIGTERM just when its successor is about to publish. It waits for the lock, finds that the socket at its
// path is no longer its own, and leaves it. A shutdown that trusted an earlier look would unlink the new socket.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY, startAppAlone, untilReady } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import { listingOf } from './support/files.ts'
import { nodeCommand } from './support/inside.ts'
import { socketVolume } from './support/own-container.ts'

/** The newer one publishes when this is there. */
const GO = '/run/app/go'

test('a late shutdown leaves the new socket', async (t) => {
  await using volume = await socketVolume()
  const box = { mounts: [`${volume.name}:/run/app`], env: { APP_ON_CONFLICT: 'takeover' } }
  await using older = await startAppAlone(t, box)
  await untilReady(older)
  await using newer = await startAppAlone(t, {
    ...box,
    entrypoint: nodeCommand(startOnGo, GO),
  })
  await eventuallyPasses(async () => {
    const names = await listingOf(newer, '/run/app')
    assert(names.some((name) => name.startsWith('.~')))
  })

  const shutdown = older.stop()
  await eventuallyPasses(async () => assert.match(await older.log(), /"msg":"draining"/))
  await newer.touch(GO)
  assert.equal(await shutdown, 0)
  await untilReady(newer)

  assert.equal(await getFrom(newer, 'unix:/run/app/api.sock', '/-/healthy'), HEALTHY)
  assert.doesNotMatch(await newer.log(), /published again/, 'nobody had removed its socket')
})

/** The real app, which waits for a file before it publishes its first socket. */
async function startOnGo(go: string): Promise<void> {
  const { default: fs } = await import('node:fs')
  const { syncBuiltinESMExports } = await import('node:module')
  const { setTimeout: pause } = await import('node:timers/promises')
  const { rename } = fs.promises
  fs.promises.rename = async (from, to) => {
    fs.promises.rename = rename
    syncBuiltinESMExports()
    while (!fs.existsSync(go)) await pause(5)
    await rename(from, to)
  }
  syncBuiltinESMExports()
  // @ts-expect-error: exists only in the image
  await import('/srv/bundle/main.mjs')
}

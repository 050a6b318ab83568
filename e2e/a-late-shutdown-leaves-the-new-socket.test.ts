// An app is told to end at the very moment at which its successor is about to publish: it waits for the lock, finds that
// the socket is not its own any more, and leaves it. A goodbye that unlinks what it saw before would take it along.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/eventually'
import { HEALTHY, startAppAlone, untilReady } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import { listingOf } from './support/files.ts'
import { nodeCommand } from './support/inside.ts'
import { socketVolume } from './support/own-container.ts'

/** The newer one publishes when this is there. */
const GO = '/run/app/go'

test('a late goodbye takes nothing along', async (t) => {
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

  const goodbye = older.stop()
  await eventuallyPasses(async () => assert.match(await older.log(), /"msg":"draining"/))
  await newer.exec('touch', GO)
  assert.equal(await goodbye, 0)
  await untilReady(newer)

  assert.equal(await getFrom(newer, 'unix:/run/app/api.sock', '/-/healthy'), HEALTHY)
  assert.doesNotMatch(await newer.log(), /published again/, 'nobody had taken its socket away')
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
  // @ts-expect-error: exists in the image alone
  await import('/srv/bundle/main.mjs')
}

// The mode of a socket is what the design says, whatever the umask of the app, even 000, with which a plain listen
// would open it to everybody.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { startAppAlone } from './support/app-alone.ts'
import { modesOf } from './support/files.ts'
import { nodeCommand } from './support/inside.ts'
import { socketVolume } from './support/own-container.ts'

for (const umask of [0o000, 0o022, 0o777]) {
  test(`umask ${umask.toString(8).padStart(3, '0')} changes nothing`, async (t) => {
    await using volume = await socketVolume()
    await using app = await startAppAlone(t, {
      mounts: [`${volume.name}:/run/app`],
      entrypoint: nodeCommand(startUnder, umask),
    })
    await eventuallyPasses(async () => {
      assert.deepEqual(
        await modesOf(app, ['/run/app/api.sock', '/run/app/admin.sock', '/run/app/api.sock.lock']),
        ['socket 0660 10001:10200', 'socket 0600 10001:10200', 'regular file 0600 10001:10200'],
      )
    })
  })
}

async function startUnder(umask: number): Promise<void> {
  process.umask(umask)
  // @ts-expect-error: exists only in the image
  await import('/srv/bundle/main.mjs')
}

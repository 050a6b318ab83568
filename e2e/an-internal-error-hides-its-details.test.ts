// A defect of the app is 500 internal_error to its clients. The response does not say what went wrong, the log does,
// and everything else keeps working.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { HEALTHY, startAppAlone } from './support/app-alone.ts'
import { getFrom } from './support/connections.ts'
import { nodeCommand } from './support/inside.ts'
import { socketVolume } from './support/own-container.ts'

const API = 'unix:/run/app/api.sock'

test('an internal error hides its details', async (t) => {
  await using volume = await socketVolume()
  const mounts = [`${volume.name}:/run/app`]
  await using app = await startAppAlone(t, { mounts, entrypoint: nodeCommand(startWithDefect) })
  await eventuallyPasses(async () => assert.equal(await getFrom(app, API, '/-/healthy'), HEALTHY))

  assert.match(await getFrom(app, API, '/status'), /^200 /)
  await app.signal('SIGUSR2')
  const response = await eventuallyPasses(async () => {
    const response = await getFrom(app, API, '/status')
    assert.match(response, /^500 .*"code":"internal_error"/)
    return response
  })
  assert.doesNotMatch(response, /secret/)
  await eventuallyPasses(async () => assert.match(await app.log(), /secret/, 'its log has the details'))
  assert.equal(await getFrom(app, API, '/-/healthy'), HEALTHY)
})

/** The real app. From SIGUSR2 on a function throws that, of all that a running app serves, only `/status` calls. */
async function startWithDefect(): Promise<void> {
  process.once('SIGUSR2', () => {
    process.uptime = () => {
      throw new Error('secret')
    }
  })
  // @ts-expect-error: exists only in the image
  await import('/srv/bundle/main.mjs')
}

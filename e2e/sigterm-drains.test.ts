// SIGTERM loses nothing: requests in flight get their responses, the app exits with 0 and not by a signal, its sockets
// are gone, and from then on the sidecar says 503 socket_missing.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { listingOf } from './support/files.ts'
import { HELD_RESPONSES, holdResponses, letGo, untilHeld } from './support/held-responses.ts'
import { ownStack, statusAndCode } from './support/stack.ts'

const IN_FLIGHT = 10
/** How long after the start of the drain the requests are held: from then on only a drain keeps connections open. */
const ACCEPTS_NO_MORE_MS = 1_000

test('SIGTERM drains', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'], ...HELD_RESPONSES })
  const app = stack.service('app')
  await holdResponses(app)

  const responses = Array.from({ length: IN_FLIGHT }, () =>
    stack.request('api', '/visits', { method: 'POST' }),
  )
  await untilHeld(app, IN_FLIGHT)
  const ending = app.stop()
  await eventuallyPasses(async () => assert.match(await app.log(), /"msg":"draining"/))
  const goOnAtMs = performance.now() + ACCEPTS_NO_MORE_MS
  await eventuallyPasses(() => assert(performance.now() > goOnAtMs))
  await letGo(app)
  const exitCode = await ending

  await t.test('the app exits with 0', () => assert.equal(exitCode, 0))

  await t.test('requests in flight get complete responses', async () => {
    const bodies = (await Promise.all(responses)).map(({ status, body }) => `${status} ${body}`)
    const expected = Array.from({ length: IN_FLIGHT }, (_, index) => `200 {"visits":${index + 1}}`)
    assert.deepEqual(bodies.sort(), expected.sort())
  })

  await t.test('no connection had to be cut', async () => {
    await eventuallyPasses(async () => {
      const closed = (await app.log()).split('\n').filter((line) => line.includes('"msg":"closed"'))
      assert.deepEqual(
        closed
          .map((line) => JSON.parse(line))
          .map(({ listener, reason, cut }) => `${listener} ${reason} ${cut}`)
          .sort(),
        ['admin closed 0', 'api closed 0', 'echo closed 0', 'metrics closed 0'],
      )
    })
  })

  await t.test('the sockets are gone; only their locks stay', async () => {
    assert.deepEqual(await listingOf(stack.service('sidecar'), '/run/app/api'), [
      'admin.sock.lock',
      'api.sock.lock',
      'echo.sock.lock',
    ])
  })

  await t.test('the sidecar responds with 503 socket_missing', async () => {
    assert.equal(statusAndCode(await stack.request('api', '/status')), '503 socket_missing')
    const { lastError } = (await stack.routes()).api ?? {}
    assert.deepEqual([lastError?.code, lastError?.errno], ['socket_missing', 'ENOENT'])
  })
})

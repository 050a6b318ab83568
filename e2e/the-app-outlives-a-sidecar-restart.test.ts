// The sidecar is restarted under load, with SIGTERM and with SIGKILL. The app stays the same process with the same
// sockets, and every acknowledged visit is counted. After SIGTERM, requests in flight get their responses first.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { identitiesAt, RELAYED_SOCKETS } from './support/files.ts'
import { askAdmin, HELD_RESPONSES, holdResponses, letGo, untilHeld } from './support/held-responses.ts'
import { Load } from './support/load.ts'
import { ownStack } from './support/stack.ts'

const CLIENTS = 4
const IN_FLIGHT = 5
const DRAINING = /"msg":"draining"/

test('the app outlives a sidecar restart', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'], ...HELD_RESPONSES })
  const app = stack.service('app')
  const sidecar = stack.service('sidecar')
  const before = [await app.incarnation(), ...(await identitiesAt(app, RELAYED_SOCKETS))]

  await t.test('with SIGTERM the sidecar finishes what is in flight and exits with 0', async () => {
    await holdResponses(app)
    const responses = Array.from({ length: IN_FLIGHT }, () => stack.request('api', '/status'))
    await untilHeld(app, IN_FLIGHT)
    const ending = sidecar.stop()
    await eventuallyPasses(async () => assert.match(await sidecar.log(), DRAINING))
    await letGo(app)
    assert.equal(await ending, 0)
    const statuses = (await Promise.all(responses)).map(({ status }) => status)
    assert.deepEqual(statuses, Array(IN_FLIGHT).fill(200))
    await askAdmin(app, 'POST', '/chaos/delay?ms=0')
    await sidecar.start()
  })

  // Looked up for each request: a container that is started again is published on another port.
  await using load = new Load(CLIENTS, () => stack.request('api', '/visits', { method: 'POST' }))

  await t.test('with SIGTERM under load it exits with 0 and comes back', async () => {
    await load.more(CLIENTS * 5)
    assert.equal(await sidecar.stop(), 0)
    await sidecar.start()
    await load.more(CLIENTS * 5)
  })

  await t.test('with SIGKILL it comes back as well', async () => {
    await sidecar.kill()
    await sidecar.start()
    await load.more(CLIENTS * 5)
  })

  await load.end()
  await t.test('the app is the same process on the same sockets', async () => {
    assert.deepEqual([await app.incarnation(), ...(await identitiesAt(app, RELAYED_SOCKETS))], before)
  })

  await t.test('every acknowledged visit is counted', async () => {
    const { body } = await stack.request('api', '/visits')
    const { visits } = JSON.parse(String(body))
    assert(visits >= load.succeeded, `${visits} counted, ${load.succeeded} acknowledged`)
    assert(visits <= load.succeeded + load.failures.length, `${visits} counted, more than were sent`)
  })
})

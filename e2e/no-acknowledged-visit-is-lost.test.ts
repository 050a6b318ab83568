// While app and Redis are killed with SIGKILL in turn, each with a visit of every visitor under way, every visit that was
// acknowledged is counted, and none is counted twice: what is counted beyond that was under way at a kill, one visit of
// each visitor at most.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/eventually'
import { connectionsFrom } from './support/connections.ts'
import { Visitors } from './support/load.ts'
import { ownStack, type Stack } from './support/stack.ts'

const VISITS = 500
const VISITORS = 4
const KILLS = 8
const API_DIRECTORY = '/run/app/api'

test('no acknowledged visit is lost', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  await using visitors = new Visitors(await stack.endpoint('api'), VISITORS)

  for (let kill = 1; kill <= KILLS; kill++) {
    await visitors.acknowledge(VISITS / (KILLS + 1))
    await killAtWork(stack, visitors, kill % 2 === 1 ? 'app' : 'redis')
  }
  await visitors.acknowledge(VISITS / (KILLS + 1))
  await visitors.end()

  const counted = await totalOf(stack)
  const { refused, acknowledged } = visitors
  t.diagnostic(`${acknowledged.length} acknowledged, ${counted} counted, ${refused} refused`)
  assert(acknowledged.length >= VISITS)
  assert(acknowledged.length <= counted, 'every acknowledged visit is counted')
  assert(counted <= acknowledged.length + refused, 'no visit is counted twice')
  assert.equal(new Set(acknowledged).size, acknowledged.length, 'no total was given to two visitors')
})

/**
 * Stops the service wherever it is, so that the visits stay under way, and kills it there. Each visitor has one visit
 * refused, and makes no other before the service is back.
 */
async function killAtWork(stack: Stack, visitors: Visitors, name: 'app' | 'redis'): Promise<void> {
  const victim = stack.service(name)
  await victim.pause()
  visitors.beginOutage()
  const before = visitors.refused
  await eventuallyPasses(async () => {
    const acknowledged = visitors.acknowledged.length
    const { queued, accepted } = await connectionsFrom(stack.service('sidecar'), API_DIRECTORY)
    // Each visit has a connection of its own; one that no visit uses may be open besides. The app gives Redis a second
    // and then refuses the visit.
    assert(queued + accepted + visitors.waiting >= VISITORS, 'a visit of each visitor is under way')
    assert.equal(visitors.acknowledged.length, acknowledged, 'no visit is acknowledged any more')
  })
  await victim.kill()
  await eventuallyPasses(() => assert.equal(visitors.waiting, VISITORS, 'each visitor felt the kill'))
  assert(visitors.refused - before <= VISITORS, 'one visit of each visitor was refused')
  await victim.start()
  await totalOf(stack)
  visitors.outageIsOver()
}

/** As soon as app and Redis are up. */
function totalOf(stack: Stack): Promise<number> {
  return eventuallyPasses(async () => {
    const { status, body } = await stack.request('api', '/visits')
    assert.equal(status, 200, body.toString())
    return JSON.parse(body.toString()).visits
  })
}

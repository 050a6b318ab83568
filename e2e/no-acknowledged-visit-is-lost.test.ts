// App and Redis are killed with SIGKILL in turn, each time with one visit of every visitor in progress. Every
// acknowledged visit is counted, and none is counted twice: what is counted beyond the acknowledged ones was in
// progress at a kill, at most one visit of each visitor.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
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
 * Pauses the service, so that the visits stay in progress, and then kills it. Each visitor has one visit refused, and
 * makes no other before the service is back.
 */
async function killAtWork(stack: Stack, visitors: Visitors, name: 'app' | 'redis'): Promise<void> {
  const victim = stack.service(name)
  await victim.pause()
  visitors.beginOutage()
  const before = visitors.refused
  await eventuallyPasses(async () => {
    const acknowledged = visitors.acknowledged.length
    const { queued, accepted } = await connectionsFrom(stack.service('sidecar'), API_DIRECTORY)
    // Each visit has a connection of its own; one unused connection may be open too. The app waits a second for Redis
    // and then refuses the visit.
    assert(queued + accepted + visitors.waiting >= VISITORS, 'a visit of each visitor is in progress')
    assert.equal(visitors.acknowledged.length, acknowledged, 'no visit is acknowledged any more')
  })
  await victim.kill()
  await eventuallyPasses(() => assert.equal(visitors.waiting, VISITORS, 'each visitor felt the kill'))
  assert(visitors.refused - before <= VISITORS, 'one visit of each visitor was refused')
  await victim.start()
  await totalOf(stack)
  visitors.outageIsOver()
}

/** Waits until app and Redis are up. */
function totalOf(stack: Stack): Promise<number> {
  return eventuallyPasses(async () => {
    const { status, body } = await stack.request('api', '/visits')
    assert.equal(status, 200, body.toString())
    return JSON.parse(body.toString()).visits
  })
}

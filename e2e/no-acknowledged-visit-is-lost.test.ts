// While app and Redis are killed with SIGKILL in turn, every visit that was acknowledged is counted, and none is
// counted twice: what is counted beyond that was under way at a kill, one visit of each visitor at most.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './support/eventually.ts'
import { Stack } from './support/stack.ts'
import { Visitors } from './support/visitors.ts'

const VISITS = 500
const VISITORS = 4
const KILLS = 8

test('no acknowledged visit is lost', async (t) => {
  await using stack = await Stack.start(t, { services: ['sidecar'] })
  const visitors = new Visitors(await stack.endpoint('api'), VISITS)

  await Promise.all([visitors.visit(VISITORS), killInTurn(stack, visitors)])

  const counted = await totalOf(stack)
  const { refused, acknowledged } = visitors
  t.diagnostic(`${acknowledged.length} acknowledged, ${counted} counted, ${refused} refused`)
  assert(acknowledged.length >= VISITS)
  assert(acknowledged.length <= counted, 'every acknowledged visit is counted')
  assert(counted <= acknowledged.length + KILLS * VISITORS, 'no visit is counted twice')
  assert.equal(new Set(acknowledged).size, acknowledged.length, 'no total was given to two visitors')
})

/** As soon as Redis is back: the last kill may have met it when the visitors were done. */
function totalOf(stack: Stack): Promise<number> {
  return eventually(async () => {
    const { status, body } = await stack.request('api', '/visits')
    assert.equal(status, 200, body.toString())
    return JSON.parse(body.toString()).visits
  })
}

/** Spread over the visits, so that each meets an app and a Redis that are at work. */
async function killInTurn(stack: Stack, visitors: Visitors): Promise<void> {
  for (let kill = 1; kill <= KILLS; kill++) {
    await visitors.reach((kill * VISITS) / (KILLS + 1))
    const victim = stack.service(kill % 2 === 1 ? 'app' : 'redis')
    const { refused } = visitors
    await victim.kill()
    await eventually(() => assert(visitors.refused > refused, 'the kill was felt'))
    await victim.start()
  }
}

// Whatever happens to the app, the sidecar needs no restart: the app crashes and the engine restarts it, the app is
// recreated, or its sockets are deleted. Each time the same sidecar process relays again.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { identitiesAt, modesOf, RELAYED_SOCKETS } from './support/files.ts'
import { ownStack, type Stack } from './support/stack.ts'

const MODES = ['socket 0660 10001:10100', 'socket 0660 10001:10200', 'socket 0660 10001:10200']

test('the sidecar recovers by itself', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  const app = stack.service('app')
  const sidecar = stack.service('sidecar')
  const sidecarBefore = await sidecar.incarnation()

  await t.test('after a crash the engine starts the app again', async (t) => {
    const before = await identitiesAt(sidecar, RELAYED_SOCKETS)
    await app.crash()
    await untilItRelays(t, stack)
    assert.equal((await app.inspect()).RestartCount, 1)
    assertAllDiffer(await identitiesAt(sidecar, RELAYED_SOCKETS), before)
  })

  await t.test('after the app is recreated', async (t) => {
    const before = (await app.inspect()).Id
    await stack.compose.up('--no-deps', '--force-recreate', 'app')
    await untilItRelays(t, stack)
    assert.notEqual((await app.inspect()).Id, before)
  })

  await t.test('after its volumes are emptied under it the app publishes its sockets again', async (t) => {
    const appBefore = await app.incarnation()
    const before = await identitiesAt(sidecar, RELAYED_SOCKETS)
    await app.inside(async () => {
      const { readdir, unlink } = await import('node:fs/promises')
      for (const directory of ['/run/app/metrics', '/run/app/api'])
        for (const name of await readdir(directory)) await unlink(`${directory}/${name}`)
    })
    await untilItRelays(t, stack)
    assert.equal(await app.incarnation(), appBefore, 'the app did not restart')
    assert.deepEqual(await modesOf(sidecar, RELAYED_SOCKETS), MODES)
    assertAllDiffer(await identitiesAt(sidecar, RELAYED_SOCKETS), before)
  })

  await t.test('the sidecar was the same process all the time', async () => {
    assert.equal(await sidecar.incarnation(), sidecarBefore)
  })
})

async function untilItRelays(t: TestContext, stack: Stack): Promise<void> {
  const start = performance.now()
  await eventuallyPasses(async () => {
    for (const { name, state } of Object.values(await stack.routes())) assert.equal(state, 'up', name)
    assert.equal((await stack.request('metrics', '/metrics')).status, 200)
  })
  t.diagnostic(`relayed after ${Math.round(performance.now() - start)} ms`)
}

function assertAllDiffer(after: string[], before: string[]): void {
  for (const [index, identity] of after.entries()) assert.notEqual(identity, before[index])
}

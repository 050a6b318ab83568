// The socket volumes are in memory, and only while a container mounts them. When all containers are down, even by
// SIGKILL, the sockets are gone, and the next start finds empty directories. What Redis has acknowledged is still
// there.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { modesOf } from './support/files.ts'
import { ownStack } from './support/stack.ts'

const SERVICES = ['redis', 'app', 'sidecar']
const SOCKET = '/run/app/api/api.sock'

test('down and up leaves nothing stale', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  const visit = async () => {
    const { body } = await stack.request('api', '/visits', { method: 'POST' })
    return JSON.parse(body.toString())
  }
  assert.deepEqual(await visit(), { visits: 1 })

  await t.test('while one container mounts the volume, the stale socket stays', async () => {
    for (const name of ['redis', 'app']) await stack.service(name).kill()
    assert.deepEqual(await modesOf(stack.service('sidecar'), [SOCKET]), ['socket 0660 10001:10200'])
  })

  await t.test('when none does, it is gone', async () => {
    await stack.service('sidecar').kill()
    await stack.service('sidecar').start()
    assert.deepEqual(await modesOf(stack.service('sidecar'), ['/run/app/api', SOCKET]), [
      'directory 2750 10001:10200',
      'ENOENT',
    ])
    await stack.service('sidecar').kill()
  })

  await stack.compose.up(...SERVICES)

  await t.test(
    'after the next start every route is up, on the first socket that was ever seen there',
    async () => {
      await eventuallyPasses(async () => {
        for (const { state, generation, lastError } of Object.values(await stack.routes())) {
          assert.deepEqual([state, generation], ['up', 1])
          assert.doesNotMatch(lastError?.code ?? '', /socket/)
        }
      })
    },
  )

  await t.test('no acknowledged visit was lost', async () => {
    assert.deepEqual(await visit(), { visits: 2 })
  })
})

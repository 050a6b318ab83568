// Every socket has exactly the owner, group and mode that the design says. Its directory gives it the group, and every
// container sees the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listingOf, modesOf } from './support/files.ts'
import { sharedStack } from './support/stack.ts'

test('sockets carry owner, group and mode', async (t) => {
  const stack = await sharedStack(t)

  await t.test('the app made its directories and sockets so', async () => {
    assert.deepEqual(
      await modesOf(stack.service('app'), [
        '/run/app/metrics',
        '/run/app/metrics/metrics.sock',
        '/run/app/api',
        '/run/app/api/api.sock',
        '/run/app/api/echo.sock',
        '/run/app/api/admin.sock',
        '/run/redis',
        '/run/redis/redis.sock',
      ]),
      [
        'directory 2750 10001:10100',
        'socket 0660 10001:10100',
        'directory 2750 10001:10200',
        'socket 0660 10001:10200',
        'socket 0660 10001:10200',
        'socket 0600 10001:10200',
        'directory 2750 10004:10300',
        'socket 0660 10004:10300',
      ],
    )
  })

  await t.test('the sidecar sees the same and says so on its operations port', async () => {
    const { body } = await stack.request('ops', '/routes')
    const { routes } = JSON.parse(body.toString())
    assert.deepEqual(
      routes.map(({ name, socket }: Route) => [name, socket]),
      [
        ['metrics', { kind: 'socket', mode: '0660', uid: 10001, gid: 10100 }],
        ['api', { kind: 'socket', mode: '0660', uid: 10001, gid: 10200 }],
        ['api-tls', { kind: 'socket', mode: '0660', uid: 10001, gid: 10200 }],
        ['partner', null],
        ['echo', { kind: 'socket', mode: '0660', uid: 10001, gid: 10200 }],
      ],
    )
  })

  await t.test(
    'nothing else lies in the directories but the lock of each socket, which only its owner may open',
    async () => {
      assert.deepEqual(await listingOf(stack.service('app'), '/run/app/api'), [
        'admin.sock',
        'admin.sock.lock',
        'api.sock',
        'api.sock.lock',
        'echo.sock',
        'echo.sock.lock',
      ])
      assert.deepEqual(await modesOf(stack.service('app'), ['/run/app/api/api.sock.lock']), [
        'regular file 0600 10001:10200',
      ])
    },
  )
})

interface Route {
  readonly name: string
  readonly socket: unknown
}

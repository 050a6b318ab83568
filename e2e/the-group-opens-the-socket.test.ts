// The group of the socket lets the sidecar in. With it, a read-only mount and no capability are enough. Without it,
// every request is 502 socket_denied, and /routes names the missing group and how to join it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownStack, sharedStack, statusAndCode } from './support/stack.ts'

test('the group opens the socket', async (t) => {
  const stack = await sharedStack(t)
  const { HostConfig, Mounts } = await stack.service('sidecar').inspect()
  assert.deepEqual(HostConfig.GroupAdd, ['10100', '10200'])
  assert.deepEqual(HostConfig.CapDrop, ['ALL'])
  const writable = Mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination)
  assert.deepEqual(writable, ['/run/app/out']) // its own sockets, of the way out

  assert.equal((await stack.request('metrics', '/metrics')).status, 200)
  assert.equal((await stack.request('api', '/status')).status, 200)
})

test('without the group the socket stays shut', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'], overlays: ['sidecar-without-groups'] })

  await t.test('requests are refused with 502 socket_denied', async () => {
    assert.equal(statusAndCode(await stack.request('metrics', '/metrics')), '502 socket_denied')
    assert.equal(statusAndCode(await stack.request('api', '/status')), '502 socket_denied')
  })

  await t.test('the sidecar lives and is not ready', async () => {
    assert.equal((await stack.request('ops', '/-/healthy')).status, 200)
    assert.equal((await stack.request('ops', '/-/ready')).status, 503)
  })

  await t.test('/routes names each missing group', async () => {
    const { metrics, api } = await stack.routes()
    assert.deepEqual([metrics?.lastError?.code, metrics?.lastError?.errno], ['socket_denied', 'EACCES'])
    assert.match(metrics?.lastError?.hint ?? '', /10100/)
    assert.match(api?.lastError?.hint ?? '', /10200/)
  })
})

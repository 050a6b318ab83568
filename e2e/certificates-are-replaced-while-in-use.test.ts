// The certificates of the stack, their authorities and the tokens are replaced while a client asks again and again. The
// sidecar takes them over: who has the new ones is served, who has the old ones no longer is. The keys are on no disk.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from '@uds-sidecar/shared/http/request'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { engine } from './support/engine.ts'
import { ownStack, statusAndCode } from './support/stack.ts'

test('certificates are replaced while in use', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  const before = await stack.papersOf('prometheus')
  assert.equal((await stack.request('metrics', '/metrics')).status, 200)
  const sidecar = await stack.service('sidecar').incarnation()

  const certificates = stack.service('certificates')
  await certificates.kill()
  await certificates.start()

  await t.test('new authorities and tokens are taken over', async () => {
    await eventuallyPasses(async () => {
      assert.notEqual((await stack.papersOf('prometheus')).token, before.token)
      assert.equal((await stack.request('metrics', '/metrics')).status, 200)
    })
    assert.equal(await stack.service('sidecar').incarnation(), sidecar)
  })

  await t.test('the old token proves nothing any more', async () => {
    const headers = { authorization: `Bearer ${before.token}` }
    const tls = await stack.trust()
    const response = await request(await stack.endpoint('metrics'), { path: '/metrics', headers, tls })
    assert.equal(statusAndCode(response), '401 bad_credentials')
  })

  await t.test('the files are in memory alone', async () => {
    for (const consumer of ['sidecar', 'client', 'prometheus']) {
      const { Options } = await engine.getVolume(stack.volume(`${consumer}-certificates`)).inspect()
      assert.equal(Options?.type, 'tmpfs')
    }
  })
})

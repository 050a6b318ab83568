// The app, which has no network, gets a quote of a partner on a network that only the sidecar shares. The sidecar speaks
// TLS for it and adds a token that the app never sees. Nothing else of the partner, and nothing else at all, is reached.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { dialFrom, getFrom } from './support/connections.ts'
import { ownStack, statusAndCode } from './support/stack.ts'

const SOCKET = 'unix:/run/app/out/partner.sock'

test('the way out reaches the partner alone', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar', 'partner'] })
  const app = stack.service('app')
  const partner = stack.service('partner')
  const quote = () => stack.request('api', '/quote')

  await t.test('a quote comes from the partner', async () => {
    await eventuallyPasses(async () => {
      const { status, body } = await quote()
      assert.equal(status, 200)
      assert.match(JSON.parse(String(body)).quote, /\.$/)
    })
  })

  await t.test('the app cannot reach the partner itself, nor any other path of it', async () => {
    assert.equal(await dialFrom(app, 'tcp://partner:8443'), 'host_unknown (EAI_AGAIN)')
    assert.match(await getFrom(app, SOCKET, '/v1/secrets'), /^403 /)
    assert.match(await getFrom(app, SOCKET, '/'), /^403 /)
  })

  await t.test('the token is in no environment, log or page', async () => {
    const token = (await stack.service('certificates').read('/certificates/partner/token')).trim()
    const environment = await app.read('/proc/1/environ')
    const log = await app.log()
    const sidecar = await stack.service('sidecar').log()
    for (const text of [environment, log, sidecar, String((await stack.request('ops', '/routes')).body)])
      assert(!text.includes(token))
  })

  await t.test('without the partner /quote is 503, and everything else goes on', async () => {
    await partner.kill()
    assert.equal(statusAndCode(await quote()), '503 dependency_down')
    assert.equal((await stack.request('api', '/status')).status, 200)
    await partner.start()
    await eventuallyPasses(async () => assert.equal((await quote()).status, 200))
  })

  await t.test('new authorities and a new token are taken over', async () => {
    const certificates = stack.service('certificates')
    await certificates.kill()
    await certificates.start()
    await eventuallyPasses(async () => assert.equal((await quote()).status, 200))
  })
})

// A connection to a paused app is accepted by the kernel. The sidecar asks the app, and at the next look says 503
// upstream_hung, on /-/ready, /routes and /metrics. Its liveness does not depend on the app, and not on the partner either,
// whose route is optional. When the app continues, it is ready again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { ownStack, type Stack } from './support/stack.ts'

test('a paused app is not ready', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar', 'partner'] })
  const app = stack.service('app')

  await t.test('all is ready while the app responds', async () => {
    await eventuallyPasses(async () => assert.deepEqual(await readiness(stack), { status: 200, down: [] }))
  })

  await t.test('not ready, with upstream_hung, while the app is paused', async () => {
    await app.pause()
    await eventuallyPasses(async () => {
      const { status, down } = await readiness(stack)
      assert.equal(status, 503)
      assert.deepEqual(down.sort(), ['api upstream_hung', 'api-tls upstream_hung', 'metrics upstream_hung'])
    })
    const { api } = await stack.routes()
    assert.deepEqual([api?.state, api?.lastError?.code], ['down', 'upstream_hung'])
    assert.match(await metrics(stack), /^sidecar_upstream_up\{route="api"\} 0$/m)
  })

  await t.test('one route can be asked for', async () => {
    assert.equal((await stack.request('ops', '/-/ready?route=api')).status, 503)
    assert.equal((await stack.request('ops', '/-/ready?route=partner')).status, 200)
    assert.equal((await stack.request('ops', '/-/ready?route=nothing')).status, 404)
  })

  await t.test('the sidecar stays alive, and its container healthy', async () => {
    assert.equal((await stack.request('ops', '/-/healthy')).status, 200)
    assert.equal(await stack.service('sidecar').condition(), 'healthy')
  })

  await t.test('ready again when the app continues', async () => {
    await app.unpause()
    await eventuallyPasses(async () => assert.equal((await readiness(stack)).status, 200))
  })

  await t.test('probes are no requests of a client', async () => {
    assert.doesNotMatch(await metrics(stack), /^sidecar_requests_total\{route="(api|metrics)"/m)
  })

  await t.test('without the partner the sidecar is ready, and says that the partner is down', async () => {
    await stack.service('partner').kill()
    await eventuallyPasses(async () => {
      const { status, down } = await readiness(stack)
      assert.equal(status, 200)
      assert.match(down.join(), /^partner \w+$/)
    })
    assert.equal((await stack.request('ops', '/-/ready?route=partner')).status, 503)
    assert.match(await metrics(stack), /^sidecar_upstream_optional\{route="partner"\} 1$/m)
  })
})

async function readiness(stack: Stack): Promise<{ status: number; down: string[] }> {
  const { status, body } = await stack.request('ops', '/-/ready')
  const { down }: { down: { route: string; code: string }[] } = JSON.parse(String(body))
  return { status, down: down.map(({ route, code }) => `${route} ${code}`) }
}

async function metrics(stack: Stack): Promise<string> {
  return String((await stack.request('ops', '/metrics')).body)
}

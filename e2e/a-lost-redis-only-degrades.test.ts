// Without Redis the app serves everything but visits, and says so. When Redis is back, visits work again without a
// restart. No acknowledged visit is lost, and no refused visit is counted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { ownStack, statusAndCode } from './support/stack.ts'

test('a lost Redis only degrades', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })
  const redis = stack.service('redis')
  const appBefore = await stack.service('app').incarnation()
  const visit = () => stack.request('api', '/visits', { method: 'POST' })
  const text = async (port: 'api' | 'metrics', path: string) => String((await stack.request(port, path)).body)
  assert.equal(String((await visit()).body), '{"visits":1}')

  await redis.kill()

  await t.test('visits are refused with 503 dependency_down, what to do and when to try again', async () => {
    const response = await eventuallyPasses(async () => {
      const response = await visit()
      assert.equal(statusAndCode(response), '503 dependency_down')
      return response
    })
    assert.equal(response.headers['retry-after'], '1')
    const { detail, hint } = JSON.parse(String(response.body))
    assert.equal(detail, 'Redis at unix:/run/redis/redis.sock does not respond')
    assert.match(hint, /start Redis/)
  })

  await t.test('the rest keeps working: health, readiness, status and metrics', async () => {
    assert.equal((await stack.request('api', '/-/healthy')).status, 200)
    assert.equal((await stack.request('api', '/-/ready')).status, 200)
    assert.equal(JSON.parse(await text('api', '/status')).redis, 'down')
    const metrics = await text('metrics', '/metrics')
    assert.match(metrics, /^app_redis_up 0$/m)
    assert.match(metrics, /^app_visits_total 1$/m, 'a counter does not fall')
  })

  await redis.start()

  await t.test('when Redis is back visits work again, and none is lost', async () => {
    // Not with a POST: a visit may be refused, because Redis responds too late, and counted all the same.
    await eventuallyPasses(async () => assert.equal((await stack.request('api', '/visits')).status, 200))
    assert.equal(String((await visit()).body), '{"visits":2}')
    assert.equal(JSON.parse(await text('api', '/status')).redis, 'up')
    const metrics = await text('metrics', '/metrics')
    assert.match(metrics, /^app_redis_up 1$/m)
    assert.match(metrics, /^app_visits_total 2$/m)
    assert.equal(await stack.service('app').incarnation(), appBefore, 'the app did not restart')
  })
})

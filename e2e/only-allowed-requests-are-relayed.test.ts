// What is not on the allow list is refused by the sidecar, whatever the app serves there: 403 for a path, 405 with what is
// allowed for a method; and the app never hears of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownStack, statusAndCode } from './support/stack.ts'

const CASES = [
  { port: 'metrics', method: 'GET', path: '/', answer: '403 path_not_allowed' },
  { port: 'metrics', method: 'GET', path: '/metrics/', answer: '403 path_not_allowed' },
  { port: 'metrics', method: 'POST', path: '/metrics', answer: '405 method_not_allowed', allow: 'GET, HEAD' },
  { port: 'api', method: 'GET', path: '/metrics', answer: '403 path_not_allowed' },
  {
    port: 'api',
    method: 'DELETE',
    path: '/visits',
    answer: '405 method_not_allowed',
    allow: 'GET, HEAD, POST',
  },
  { port: 'api', method: 'GET', path: '/x/../status', answer: '400 bad_request' },
  { port: 'api', method: 'GET', path: '/%73tatus', answer: '400 bad_request' },
] as const

test('the allow list is all there is', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })

  for (const { port, method, path, answer, ...rest } of CASES) {
    await t.test(`${method} ${path} on the ${port} port: ${answer}`, async () => {
      const response = await stack.request(port, path, { method })
      assert.equal(statusAndCode(response), answer)
      assert.equal(response.headers.allow, 'allow' in rest ? rest.allow : undefined)
    })
  }

  await t.test('the app heard of none of it', async () => {
    const exposition = String((await stack.request('metrics', '/metrics')).body)
    const counted = exposition.split('\n').filter((line) => line.startsWith('app_http_requests_total{'))
    assert.deepEqual(
      counted.filter((line) => !line.includes('route="/-/healthy"') && !line.includes('route="/metrics"')),
      [],
    )
  })
})

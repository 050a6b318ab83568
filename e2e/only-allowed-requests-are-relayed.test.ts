// The sidecar refuses what is not on the allow list, whatever the app serves there: 403 for a path, 405 with the
// allowed methods for a method. The app never gets such a request.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ownStack, statusAndCode } from './support/stack.ts'

const CASES = [
  { port: 'metrics', method: 'GET', path: '/', expected: '403 path_not_allowed' },
  { port: 'metrics', method: 'GET', path: '/metrics/', expected: '403 path_not_allowed' },
  {
    port: 'metrics',
    method: 'POST',
    path: '/metrics',
    expected: '405 method_not_allowed',
    allow: 'GET, HEAD',
  },
  { port: 'api', method: 'GET', path: '/metrics', expected: '403 path_not_allowed' },
  {
    port: 'api',
    method: 'DELETE',
    path: '/visits',
    expected: '405 method_not_allowed',
    allow: 'GET, HEAD, POST',
  },
  { port: 'api', method: 'GET', path: '/x/../status', expected: '400 bad_request' },
  { port: 'api', method: 'GET', path: '/%2Fstatus', expected: '400 bad_request' },
] as const

test('only allowed requests are relayed', async (t) => {
  const stack = await ownStack(t, { services: ['sidecar'] })

  for (const { port, method, path, expected, ...rest } of CASES) {
    await t.test(`${method} ${path} on the ${port} port: ${expected}`, async () => {
      const response = await stack.request(port, path, { method })
      assert.equal(statusAndCode(response), expected)
      assert.equal(response.headers.allow, 'allow' in rest ? rest.allow : undefined)
    })
  }

  await t.test('the app got none of these requests', async () => {
    const exposition = String((await stack.request('metrics', '/metrics')).body)
    const counted = exposition.split('\n').filter((line) => line.startsWith('app_http_requests_total{'))
    const probes = /route="(\/-\/healthy|\/-\/ready|\/metrics)"/ // of the engine and of the sidecar
    assert.deepEqual(
      counted.filter((line) => !probes.test(line)),
      [],
    )
  })
})

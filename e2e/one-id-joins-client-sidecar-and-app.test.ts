// A trace id that the client shows is in the log of the sidecar and in that of the app, each with a span of its own below the
// one before it. Where the client sends none, the sidecar begins a trace that the app goes on with.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { ownStack } from './support/stack.ts'

type Line = Readonly<Record<string, unknown>>

/** The one line of a log that has this trace id. */
function lineOf(log: string, traceId: unknown): Line {
  const lines: Line[] = log
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes(`"traceId":"${traceId}"`))
    .map((line) => JSON.parse(line))
  assert.equal(lines.length, 1)
  return lines[0] ?? {}
}

test('one id joins client, sidecar and app', async (t) => {
  const stack = await ownStack(t, { services: ['client'], overlays: ['logging-sidecar'] })
  const [client, sidecar, app] = [stack.service('client'), stack.service('sidecar'), stack.service('app')]

  await t.test('from the client on', async () => {
    const { exitCode, stderr } = await client.exec('client', 'status', '--tcp', '--trace', '--json')
    assert.equal(exitCode, 0, stderr)
    const { traceId, spanId } = JSON.parse(stderr)
    await eventuallyPasses(async () => {
      const relayed = lineOf(await sidecar.log(), traceId)
      const served = lineOf(await app.log(), traceId)
      assert.deepEqual([relayed.service, relayed.route, relayed.path], ['sidecar', 'api', '/status'])
      assert.deepEqual([served.service, served.listener, served.path], ['app', 'api', '/status'])
      assert.equal(relayed.parentSpanId, spanId)
      assert.equal(served.parentSpanId, relayed.spanId)
      assert.equal(served.status, relayed.status)
    })
  })

  await t.test('from the sidecar on, where the client sends none', async () => {
    const path = '/status'
    const response = await stack.request('api', path, { headers: { 'x-request-id': 'without-a-trace' } })
    assert.equal(response.status, 200)
    await eventuallyPasses(async () => {
      const line = (await sidecar.log()).split('\n').find((text) => text.includes('without-a-trace'))
      const relayed: Line = JSON.parse(line ?? '{}')
      assert.equal(relayed.parentSpanId, null)
      assert.equal(lineOf(await app.log(), relayed.traceId).parentSpanId, relayed.spanId)
    })
  })
})

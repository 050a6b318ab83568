// What Prometheus scrapes passes `promtool check metrics`: the app's metrics through the sidecar, and the sidecar's
// own.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { image } from './support/engine.ts'
import { runToEnd } from './support/own-container.ts'
import { sharedStack } from './support/stack.ts'

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

test('expositions are valid', async (t) => {
  const stack = await sharedStack(t)
  assert.equal((await stack.request('api', '/visits', { method: 'POST' })).status, 200)

  for (const port of ['metrics', 'ops'] as const) {
    await t.test(`/metrics on the ${port} port passes promtool`, async () => {
      const { status, headers, body } = await stack.request(port, '/metrics')
      assert.equal(status, 200)
      assert.equal(headers['content-type'], CONTENT_TYPE)
      assert.deepEqual(await promtoolCheck(body), { exitCode: 0, stdout: '', stderr: '' })
    })
  }

  await t.test('the check is not blind: promtool rejects what is wrong', async () => {
    const { exitCode, stderr } = await promtoolCheck(Buffer.from('visits_total{ 1\n'))
    assert.equal(exitCode, 1)
    assert.match(stderr, /error while linting/)
  })
})

function promtoolCheck(exposition: Buffer) {
  return runToEnd({
    image: image('prometheus'),
    entrypoint: ['promtool', 'check', 'metrics'],
    stdin: exposition,
  })
}

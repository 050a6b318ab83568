import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createLog } from '@uds-sidecar/shared/lifecycle/log'
import { Identities } from './identities.ts'

it('failed attempts are logged, at most 10 lines a minute, with route, caller and scheme alone', (t) => {
  let nowMs = 0
  t.mock.method(performance, 'now', () => nowMs)
  const lines: object[] = []
  const log = createLog('test', 'warn')
  log.warn = (fields: object) => void lines.push(fields)
  const identities = new Identities(log)
  const attempt = { route: 'web', caller: '192.0.2.1', scheme: 'Bearer' }
  for (let count = 0; count < 100; count++) identities.failed(attempt)
  assert.equal(lines.length, 10)
  assert.deepEqual(lines[0], { code: 'bad_credentials', ...attempt })
  nowMs = 60_000
  identities.failed(attempt)
  assert.deepEqual(lines.slice(10), [{ code: 'bad_credentials', ...attempt, unlogged: 90 }])
})

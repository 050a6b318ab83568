// config/prometheus.yml and config/alerts.yml are valid, and each alert fires when it should and only then: `promtool
// test rules` says so, with the series in e2e/alerts.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { image } from './support/engine.ts'
import { runToEnd } from './support/own-container.ts'
import { REPOSITORY } from './support/run.ts'
import { sharedStack } from './support/stack.ts'

test('promtool takes the configuration, its rules and the files that it names', async (t) => {
  const certificates = `${(await sharedStack(t)).volume('prometheus-certificates')}:/run/certificates:ro`
  const { exitCode, stdout, stderr } = await promtool(
    ['check', 'config', 'config/prometheus.yml'],
    [certificates],
  )
  assert.equal(exitCode, 0, stdout + stderr)
})

test('every alert fires when it should and only then', async () => {
  const { exitCode, stdout, stderr } = await promtool(['test', 'rules', 'e2e/alerts/alerts.test.yml'])
  assert.equal(exitCode, 0, stdout + stderr)
})

test('every recording rule computes what its name says', async () => {
  const { exitCode, stdout, stderr } = await promtool(['test', 'rules', 'e2e/alerts/recording.test.yml'])
  assert.equal(exitCode, 0, stdout + stderr)
})

test('no alert is without a test', async () => {
  const rules = await readFile(join(REPOSITORY, 'config/alerts.yml'), 'utf8')
  const tests = await readFile(join(REPOSITORY, 'e2e/alerts/alerts.test.yml'), 'utf8')
  const names = (text: string, key: string) =>
    new Set([...text.matchAll(new RegExp(`${key}: (\\w+)`, 'g'))].map(([, name]) => name))
  assert.deepEqual([...names(tests, 'alertname')].sort(), [...names(rules, 'alert')].sort())
})

function promtool([command = '', what = '', file = '']: readonly string[], more: readonly string[] = []) {
  const mounts = ['config', 'e2e/alerts'].map((path) => `${join(REPOSITORY, path)}:/repository/${path}:ro`)
  return runToEnd({
    image: image('prometheus'),
    mounts: [...mounts, ...more],
    scratch: ['/tmp'],
    entrypoint: ['promtool', command, what, `/repository/${file}`],
  })
}

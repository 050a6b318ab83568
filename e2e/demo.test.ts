// `npm run demo` shows the stack as plain processes: within 10 s, without Docker, with or without a redis-server. It
// leaves no process and no file behind, also when it is interrupted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atItsQuickest, eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { type DemoOptions, pathOfOnly, runDemo } from './support/demo.ts'

const SECONDS = 10

test('the demo shows every row as expected and leaves nothing', async () => {
  for (const { ended, stdout, stderr, filesLeft, processesLeft } of await demos()) {
    assert.equal(stderr, '')
    assert.equal(ended, 0, stdout)
    assert.deepEqual(filesLeft, [])
    assert.deepEqual(await processesLeft(), [])
  }
})

test('without a redis-server the demo says so and shows how the app degrades', async () => {
  await using path = await pathOfOnly('node', 'npm', 'sh', 'flock')
  for (const { ended, stdout, stderr, filesLeft, processesLeft } of await demos({ path: path.path })) {
    assert.equal(stderr, '')
    assert.match(stdout, /^There is no redis-server in PATH/)
    assert.match(stdout, /POST \/visits while Redis is down .* 503, problem dependency_down .* ok$/m)
    assert.equal(ended, 0, stdout)
    assert.deepEqual(filesLeft, [])
    assert.deepEqual(await processesLeft(), [])
  }
})

/** Repeats the demo until one was quick enough; on a machine that is not busy that is the first. */
async function demos(options: DemoOptions = {}) {
  const { outcomes } = await atItsQuickest(SECONDS * 1_000, () => runDemo(options))
  return outcomes
}

const INTERRUPTIONS = { 'Ctrl-C': 'SIGINT', 'a closed terminal': 'SIGHUP' } as const

for (const [interruption, signal] of Object.entries(INTERRUPTIONS)) {
  test(`${interruption} in the middle of the demo ends it and leaves nothing`, async () => {
    const { ended, filesLeft, processesLeft } = await runDemo({
      disturb: (processGroup) => process.kill(processGroup, signal),
    })
    assert.equal(ended, signal)
    assert.deepEqual(filesLeft, [])
    assert.deepEqual(await processesLeft(), [])
  })
}

test('a second signal ends it at once, and its programs with it', async () => {
  const { processesLeft } = await runDemo({
    disturb: (processGroup) => {
      process.kill(processGroup, 'SIGINT')
      process.kill(processGroup, 'SIGTERM')
    },
  })
  await eventuallyPasses(async () => assert.deepEqual(await processesLeft(), []))
})

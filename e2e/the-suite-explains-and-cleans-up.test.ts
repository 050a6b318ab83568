// When a test fails or runs out of time, its run prints the state and the log of each container, and what `client
// doctor` says of the sockets. Whether tests fail, hang, or are interrupted with Ctrl-C, a run leaves nothing behind,
// neither on the engine nor on this machine.

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { suite, test } from 'node:test'
import type { TempDirectory } from '@uds-sidecar/shared/testing/files'
import { madeByRun } from './support/leftovers.ts'
import { runDirectory } from './support/run.ts'
import { type FixtureRun, runFixture } from './support/run-fixture.ts'

/** Enough for a stack to start. On a busy machine it is not: then the fixture gets twice the time. */
const TIMEOUT_MS = 15_000
const MAX_TIMEOUT_MS = 240_000

const NOTHING = { containers: [], networks: [], volumes: [] }

interface Ending {
  readonly what: string
  readonly says: RegExp
  run(temporary: TempDirectory): Promise<FixtureRun>
}

const ENDINGS: Ending[] = [
  {
    what: 'fails',
    says: /this is meant to fail/,
    run: (temporary) => runFixture('a-stack-that-fails', temporary),
  },
  { what: 'runs out of time', says: /test timed out/, run: (temporary) => hangs(temporary, TIMEOUT_MS) },
]

/** Runs out of time after its stack is up, and not before. */
async function hangs(temporary: TempDirectory, testTimeoutMs: number): Promise<FixtureRun> {
  const run = await runFixture('a-stack-that-hangs', temporary, { testTimeoutMs })
  if (/it hangs/.test(run.output) || testTimeoutMs >= MAX_TIMEOUT_MS) return run
  return hangs(temporary, testTimeoutMs * 2)
}

// Each test is a run of its own and mostly waits.
suite('a run', { concurrency: 3 }, () => {
  for (const { what, says, run } of ENDINGS) {
    test(`a test that ${what} says what it left, and leaves nothing`, async () => {
      await using temporary = await runDirectory()
      const { id, exitCode, output } = await run(temporary)
      assert.equal(exitCode, 1, output)
      assert.match(output, says)
      assert.match(output, /^on purpose failed; it left:$/m)
      for (const service of ['redis', 'app', 'sidecar'])
        assert.match(
          output,
          new RegExp(`^--- /uds-e2e-${id}-\\S+-${service}-1: running, exit code 0, health healthy$`, 'm'),
        )
      assert.match(output, /"service":"app".*"msg":"ready"/)
      assert.match(output, /^--- doctor\n✓ unix:\/run\/app\/metrics\/metrics.sock: live/m)
      assert.deepEqual(await madeByRun(id), NOTHING)
    })
  }

  test('Ctrl-C in the middle of a run leaves nothing', async () => {
    await using temporary = await runDirectory()
    const { id, exitCode, output } = await runFixture('a-stack-that-hangs', temporary, {
      whenItHangs: (pid) => process.kill(pid, 'SIGINT'),
    })
    assert.notEqual(exitCode, 0)
    assert.match(output, /it hangs/)
    assert.deepEqual(await madeByRun(id), NOTHING)
    const ours = (await readdir(temporary.path)).filter((name) => name.startsWith('uds-e2e-'))
    assert.deepEqual(ours, [])
  })
})

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TempDirectory } from '@uds-sidecar/shared/testing/files'

const E2E = resolve(import.meta.dirname, '..')

/** A run of the test runner of its own: what it prints, and what it left when it was over. */
export interface FixtureRun {
  readonly id: string
  readonly exitCode: number | null
  readonly output: string
}

export interface FixtureOptions {
  /** As the runner's option. Default 600000, as of the suite itself. */
  readonly testTimeoutMs?: number
  /** Called with the runner's process id when the fixture says that it hangs. */
  readonly whenItHangs?: (pid: number) => void
}

/** Runs a file of `fixtures/` as the suite's own files are run, as a run with an id of its own. */
export async function runFixture(
  name: string,
  temporary: TempDirectory,
  { testTimeoutMs = 600_000, whenItHangs }: FixtureOptions = {},
): Promise<FixtureRun> {
  const id = randomBytes(4).toString('hex')
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const options = ['--test', '--test-reporter=spec', `--test-timeout=${testTimeoutMs}`]
  const setup = '--test-global-setup=support/global-setup.ts'
  const runner = spawn(process.execPath, [...options, setup, join('fixtures', `${name}.ts`)], {
    cwd: E2E,
    env: { ...env, UDS_E2E_RUN: id, TMPDIR: temporary.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (whenItHangs !== undefined) {
    runner.stdout.on('data', (chunk) => {
      if (String(chunk).includes('it hangs')) whenItHangs(runner.pid as number)
    })
  }
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(runner.stdout),
    text(runner.stderr),
    once(runner, 'exit'),
  ])
  return { id, exitCode, output: `${stdout}${stderr}` }
}

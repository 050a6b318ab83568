import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { errnoOf } from '@uds-sidecar/shared/failure/failure'
import type { Workspace } from './workspace.ts'

const E2E = 'e2e/'
const FAILED = /^\s*not ok \d+ - (.*)$/
const IN_E2E = ['--env-file=testcontainers.env', '--test-global-setup=support/global-setup.ts']

/** A mutant may hang what it breaks: what takes longer is red, a test, or four files of them. Also on a machine that is busy. */
const MAX_TEST_MS = { unit: 60_000, e2e: 180_000 } as const
const MAX_RUN_MS = { unit: 120_000, e2e: 360_000 } as const
type Kind = keyof typeof MAX_RUN_MS

/**
 * Runs test files of the workspace, up to the first test that fails.
 * @returns the names of the tests that failed, innermost first; none: all is green
 */
export async function failuresOf(
  workspace: Workspace,
  files: readonly string[],
  tag: string,
): Promise<string[]> {
  const unit = files.filter((file) => !file.startsWith(E2E))
  const e2e = files.filter((file) => file.startsWith(E2E)).map((file) => file.slice(E2E.length))
  const failures = unit.length === 0 ? [] : await run(workspace.path, unit, tag, boundsOf('unit', unit))
  if (failures.length > 0 || e2e.length === 0) return failures
  return run(join(workspace.path, E2E), [...IN_E2E, ...e2e], tag, boundsOf('e2e', e2e))
}

interface Bounds {
  readonly testMs: number
  readonly runMs: number
}

function boundsOf(kind: Kind, files: readonly string[]): Bounds {
  return { testMs: MAX_TEST_MS[kind], runMs: MAX_RUN_MS[kind] * Math.ceil(files.length / 4) }
}

async function run(
  cwd: string,
  args: readonly string[],
  tag: string,
  { testMs, runMs }: Bounds,
): Promise<string[]> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const options = ['--test', '--test-reporter=tap', '--test-concurrency=2', `--test-timeout=${testMs}`]
  const child = spawn(process.execPath, [...options, ...args], {
    cwd,
    env: { ...env, UDS_SIDECAR_VERSION: tag },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  let isStopped = false
  const stop = () => {
    if (!isStopped) child.kill('SIGINT') // told twice, it would end before its teardown
    isStopped = true
  }
  const timer = setTimeout(stop, runMs)
  createInterface({ input: child.stdout }).on('line', (line) => void (FAILED.test(line) && stop()))
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  clearTimeout(timer)
  killTheRest(child)
  const failures = [...output.matchAll(new RegExp(FAILED, 'gm'))].map(([, name = '']) => name)
  return exitCode !== 0 && failures.length === 0 ? ['the run did not end well'] : failures
}

/** What a broken program does not end by itself. */
function killTheRest({ pid }: ChildProcess): void {
  if (pid !== undefined && isGroupAlive(pid)) process.kill(-pid, 'SIGKILL')
}

/** Whether any process of the group that `leader` began is still there (kill(2) with signal 0). */
function isGroupAlive(leader: number | undefined): boolean {
  if (leader === undefined) return false
  try {
    process.kill(-leader, 0)
    return true
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false
    throw error
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { isGroupAlive } from '../support/process-group.ts'
import type { Workspace } from './workspace.ts'

const E2E = 'e2e/'
const IN_E2E = ['--env-file=testcontainers.env', '--test-global-setup=support/global-setup.ts']

/** A mutant may hang what it breaks: a run that takes longer is red. For each four files, also on a machine that is busy. */
const MAX_RUN_MS = { unit: 120_000, e2e: 360_000 } as const

/** Runs test files of the workspace. @returns the names of the tests that failed, innermost first; none: all is green */
export async function failuresOf(
  workspace: Workspace,
  files: readonly string[],
  tag: string,
): Promise<string[]> {
  const unit = files.filter((file) => !file.startsWith(E2E))
  const e2e = files.filter((file) => file.startsWith(E2E)).map((file) => file.slice(E2E.length))
  const failures = unit.length === 0 ? [] : await run(workspace.path, unit, tag, bound('unit', unit))
  if (failures.length > 0 || e2e.length === 0) return failures
  return run(join(workspace.path, E2E), [...IN_E2E, ...e2e], tag, bound('e2e', e2e))
}

function bound(kind: keyof typeof MAX_RUN_MS, files: readonly string[]): number {
  return MAX_RUN_MS[kind] * Math.ceil(files.length / 4)
}

async function run(cwd: string, args: readonly string[], tag: string, maxMs: number): Promise<string[]> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const options = ['--test', '--test-reporter=tap', '--test-concurrency=2', '--test-timeout=60000']
  const child = spawn(process.execPath, [...options, ...args], {
    cwd,
    env: { ...env, UDS_SIDECAR_VERSION: tag },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  })
  const timer = setTimeout(() => child.kill('SIGINT'), maxMs)
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  clearTimeout(timer)
  killTheRest(child)
  const failures = [...output.matchAll(/^\s*not ok \d+ - (.*)$/gm)].map(([, name = '']) => name)
  return exitCode !== 0 && failures.length === 0 ? ['the run did not end well'] : failures
}

/** What a broken program does not end by itself. */
function killTheRest({ pid }: ChildProcess): void {
  if (pid !== undefined && isGroupAlive(pid)) process.kill(-pid, 'SIGKILL')
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Workspace } from './workspace.ts'

const E2E = 'e2e/'
const IN_E2E = ['--env-file=testcontainers.env', '--test-global-setup=support/global-setup.ts']

/** Runs test files of the workspace. @returns the names of the tests that failed, outermost last; none: all is green */
export async function failuresOf(
  workspace: Workspace,
  files: readonly string[],
  tag: string,
): Promise<string[]> {
  const unit = files.filter((file) => !file.startsWith(E2E))
  const e2e = files.filter((file) => file.startsWith(E2E)).map((file) => file.slice(E2E.length))
  const failures = unit.length === 0 ? [] : await run(workspace.path, unit, tag)
  if (failures.length > 0 || e2e.length === 0) return failures
  return run(join(workspace.path, E2E), [...IN_E2E, ...e2e], tag)
}

async function run(cwd: string, args: readonly string[], tag: string): Promise<string[]> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const options = ['--test', '--test-reporter=tap', '--test-concurrency=2', '--test-timeout=120000']
  const child = spawn(process.execPath, [...options, ...args], {
    cwd,
    env: { ...env, UDS_SIDECAR_VERSION: tag },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [output, [exitCode]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  const failures = [...output.matchAll(/^\s*not ok \d+ - (.*)$/gm)].map(([, name = '']) => name)
  if (exitCode !== 0 && failures.length === 0) return ['the run itself']
  return failures
}

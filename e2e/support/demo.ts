import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { eventually } from './eventually.ts'
import { isGroupAlive } from './process-group.ts'
import { REPOSITORY } from './project.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export interface DemoOptions {
  /** Where it finds programs. Default: this process's PATH. */
  readonly path?: string | undefined
  /** Called once its sockets are there, while it is at work. */
  readonly disturb?: (processGroup: number) => void
}

/** Runs `npm run demo` in a process group and a directory for temporary files of its own. */
export async function runDemo({ path = process.env.PATH, disturb }: DemoOptions = {}) {
  await using temporary = await temporaryDirectory()
  const start = performance.now()
  const demo = spawn('npm', ['run', '--silent', 'demo'], {
    cwd: REPOSITORY,
    // npm itself would keep compiled code among the temporary files, and a log beside its cache.
    env: { PATH: path, TMPDIR: temporary.path, NODE_DISABLE_COMPILE_CACHE: '1', npm_config_logs_max: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const ended = Promise.all([text(demo.stdout), text(demo.stderr), once(demo, 'exit')])
  if (disturb !== undefined) {
    await eventually(() => socketsIn(temporary.path), { everyMs: 10 })
    disturb(-(demo.pid as number))
  }
  const [stdout, stderr, [exitCode, signal]] = await ended
  return {
    ended: exitCode ?? signal,
    stdout,
    stderr,
    seconds: (performance.now() - start) / 1_000,
    filesLeft: await readdir(temporary.path),
    processesLeft: isGroupAlive(demo.pid),
  }
}

async function socketsIn(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true })
  assert(names.some((name) => name.endsWith('api.sock')))
}

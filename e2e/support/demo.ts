import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { nodeImport } from './inside.ts'
import { REPOSITORY, runDirectory } from './run.ts'

export interface DemoOptions {
  /** Where it finds programs. Default: this process's PATH. */
  readonly path?: string | undefined
  /** Called once its first socket is there; its sidecar then starts for ever, so that the demo is in its middle. */
  readonly disturb?: (processGroup: number) => void
}

/** Runs `npm run demo` in a process group and a directory for temporary files of its own. */
export async function runDemo({ path = process.env.PATH, disturb }: DemoOptions = {}) {
  await using temporary = await runDirectory()
  const held = disturb === undefined ? {} : { NODE_OPTIONS: nodeImport(holdSidecar) }
  const demo = spawn('npm', ['run', '--silent', 'demo'], {
    cwd: REPOSITORY,
    // npm itself would keep compiled code among the temporary files, and a log beside its cache.
    env: {
      PATH: path,
      TMPDIR: temporary.path,
      NODE_DISABLE_COMPILE_CACHE: '1',
      npm_config_logs_max: '0',
      ...held,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const ended = Promise.all([text(demo.stdout), text(demo.stderr), once(demo, 'exit')])
  if (disturb !== undefined) {
    await eventuallyPasses(() => socketsIn(temporary.path), { everyMs: 10 })
    disturb(-(demo.pid as number))
  }
  const [stdout, stderr, [exitCode, signal]] = await ended
  return {
    ended: exitCode ?? signal,
    stdout,
    stderr,
    filesLeft: await readdir(temporary.path),
    processesLeft: () => processesWithEnvironment(`TMPDIR=${temporary.path}`),
  }
}

/** In every Node of the demo: the one that is to be the sidecar does not come to its own code. */
async function holdSidecar(): Promise<void> {
  if (!process.argv[1]?.endsWith('/sidecar/src/main.ts')) return
  await new Promise(() => setInterval(() => {}, 60_000))
}

async function socketsIn(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true })
  assert(names.some((name) => name.endsWith('api.sock')))
}

/** The command lines of all that was started with `variable`, whatever process group or session it went to since. */
async function processesWithEnvironment(variable: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(
    pids.map(async (pid) => {
      const read = (name: string) => readFile(join('/proc', pid, name), 'utf8').catch(() => '') // has just ended
      const environment = await read('environ')
      return environment.split('\0').includes(variable) ? await read('cmdline') : undefined
    }),
  )
  return commands.filter((command) => command !== undefined).map((command) => command.replaceAll('\0', ' '))
}

/** A directory that is enough as PATH for programs that need these and nothing else. */
export async function pathOfOnly(...programs: string[]): Promise<TempDirectory> {
  const directory = await runDirectory()
  for (const program of programs) await symlink(find(program), join(directory.path, program))
  return directory
}

function find(program: string): string {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, program))
  const found = candidates.find((path) => existsSync(path))
  if (found === undefined) throw new Error(`there is no ${program} in PATH`)
  return found
}

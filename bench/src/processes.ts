import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** For the load generator and the upstream. */
export const LOAD_CPU = 0
/** For the measured candidate alone: its throughput is that of one processor. */
export const CANDIDATE_CPU = 1

/** The command, bound to one processor if there are two. */
export function pinned(command: readonly string[], cpu: number): readonly string[] {
  return process.platform === 'linux' && availableParallelism() > CANDIDATE_CPU
    ? ['taskset', '-c', `${cpu}`, ...command]
    : command
}

const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Runs a command until it ends and returns its output. */
export async function runToEnd(command: readonly string[], cpu?: number): Promise<string> {
  const [program = '', ...rest] = cpu === undefined ? command : pinned(command, cpu)
  const { stdout } = await promisify(execFile)(program, rest, { maxBuffer: MAX_OUTPUT_BYTES })
  return stdout
}

const STOP_TIMEOUT_MS = 3_000

/** A program that runs until it is disposed. It has its own session, so that all of its processes can be found. */
export class Started implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  constructor(command: readonly string[], cpu: number, env: NodeJS.ProcessEnv = {}) {
    const [program = '', ...rest] = pinned(command, cpu)
    this.#child = spawn(program, rest, {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, ...env },
    })
    this.#ended = once(this.#child, 'exit')
  }

  /** Also the id of the session. */
  get pid(): number {
    return this.#child.pid as number
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Sends a signal to every process of the program. */
  signal(name: NodeJS.Signals): void {
    if (this.isRunning) process.kill(-this.pid, name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const cut = setTimeout(() => this.signal('SIGKILL'), STOP_TIMEOUT_MS)
    this.signal('SIGTERM')
    await this.#ended
    clearTimeout(cut)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.#ended
  }
}

type Service = 'app' | 'sidecar' | 'client'

/** The bundle that the image of a service starts. */
export function mainOf(service: Service): string {
  return fileURLToPath(new URL(`../../bundle/${service}/main.mjs`, import.meta.url))
}

/** The same program as sources, which a checkout starts. */
export function sourceOf(service: Service): string {
  return fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url))
}

/** Environment of an app with all of its sockets in one directory. There is no Redis, and the rest works without it. */
export function appEnv(directory: string): NodeJS.ProcessEnv {
  return {
    APP_METRICS: `unix:${join(directory, 'metrics.sock')}`,
    APP_API: `unix:${join(directory, 'api.sock')}`,
    APP_ECHO: `unix:${join(directory, 'echo.sock')}`,
    APP_ADMIN: `unix:${join(directory, 'admin.sock')}`,
    APP_REDIS: `unix:${join(directory, 'redis.sock')}`,
    LOG_LEVEL: 'fatal',
  }
}

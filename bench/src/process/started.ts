import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { pinned } from './pin.ts'

const STOP_TIMEOUT_MS = 3_000

/** A program that runs until it is disposed, in a session of its own, by which its processes are found. */
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

  /** Also the number of the session. */
  get pid(): number {
    return this.#child.pid as number
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** To every process of the program. */
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

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface ChildOptions {
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly env?: NodeJS.ProcessEnv
  /** Command and arguments that run Node in their turn, such as `['setpriv', '--groups=10100']`. */
  readonly wrapper?: readonly string[]
  readonly nodeArgs?: readonly string[]
  /** Descriptors from 4 on; 3 is the channel. */
  readonly descriptors?: readonly number[]
}

/** A real Node process that runs a module of ours and sends messages; killed at the end of the test. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess
  readonly #messages: unknown[] = []
  readonly #exited: Promise<unknown>
  #stderr = ''
  #hasEnded = false
  #wake = Promise.withResolvers<void>()

  constructor(module: URL, args: readonly string[], options: ChildOptions = {}) {
    const { wrapper = [], nodeArgs = [], descriptors = [], env = {}, uid, gid } = options
    const stdio = ['ignore', 'ignore', 'pipe', 'ipc', ...descriptors] as StdioOptions
    const [command = '', ...rest] = [
      ...wrapper,
      process.execPath,
      ...nodeArgs,
      fileURLToPath(module),
      ...args,
    ]
    const identity = uid === undefined ? {} : { uid, gid: gid ?? uid }
    this.process = spawn(command, rest, { stdio, env: { ...process.env, ...env }, ...identity })
    this.process.on('message', (message) => {
      this.#messages.push(message)
      this.#notify()
    })
    this.process.stderr?.on('data', (chunk) => {
      this.#stderr += chunk
      this.#notify()
    })
    this.#exited = once(this.process, 'close').then(() => {
      this.#hasEnded = true
      this.#notify()
    })
  }

  get pid(): number {
    return this.process.pid as number
  }

  get stderr(): string {
    return this.#stderr
  }

  /** The next message that it sends. @throws Error with its stderr when it ended without one */
  async next<T>(): Promise<T> {
    while (this.#messages.length === 0) {
      if (this.#hasEnded) throw new Error(`the process ended (${this.#ending}): ${this.#stderr}`)
      await this.#wake.promise
    }
    return this.#messages.shift() as T
  }

  /** Resolves when its stderr has such a text. @throws Error when it ended without one */
  async says(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#stderr)) {
      if (this.#hasEnded) throw new Error(`the process ended (${this.#ending}): ${this.#stderr}`)
      await this.#wake.promise
    }
    return this.#stderr
  }

  send(message: unknown): void {
    this.process.send(message as object)
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name)
  }

  /** Exit code, or the signal that ended it. */
  async ended(): Promise<number | NodeJS.Signals> {
    await this.#exited
    return this.#ending
  }

  /** Ends it as a crash does: no handler runs. */
  async crash(): Promise<void> {
    this.signal('SIGKILL')
    await this.#exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#hasEnded) await this.crash()
  }

  get #ending(): number | NodeJS.Signals {
    return this.process.exitCode ?? this.process.signalCode ?? -1
  }

  #notify(): void {
    this.#wake.resolve()
    this.#wake = Promise.withResolvers()
  }
}

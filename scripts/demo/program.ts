import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Failure } from '@uds-sidecar/shared/failure/failure'

const START_TIMEOUT_MS = 8_000
const STOP_TIMEOUT_MS = 5_000
const KEPT_LINES = 50

/** One process of the demo: started, awaited by a line of its log, and ended. */
export class Program implements AsyncDisposable {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #lastLines: string[] = []

  constructor(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.#name = name
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#keep(line))
    }
  }

  /**
   * Waits until the program prints a line that matches.
   * @throws Failure `upstream_timeout` with its last lines, when it ends first or 8 s have passed
   */
  async printed(pattern: RegExp, stop: AbortSignal): Promise<string> {
    const limit = AbortSignal.any([AbortSignal.timeout(START_TIMEOUT_MS), stop])
    const lines =
      this.#child.stdout === null ? [] : createInterface({ input: this.#child.stdout, signal: limit })
    for await (const line of lines) if (pattern.test(line)) return line
    stop.throwIfAborted()
    throw new Failure('upstream_timeout', {
      message: `${this.#name} did not start:\n${this.#lastLines.join('\n')}`,
      hint: 'its own lines above say why',
    })
  }

  /** Asks it to end, and makes sure that it has. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  }

  #keep(line: string): void {
    this.#lastLines.push(line)
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift()
  }
}

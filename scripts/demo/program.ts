import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Failure } from '@uds-sidecar/shared/failure/failure'

const START_TIMEOUT_MS = 8_000
const STOP_TIMEOUT_MS = 5_000
const KEPT_LINES = 50

/** How to start a program. `output`: read by the demo (`pipe`, the default), or the demo's own output (`inherit`). */
export interface ProgramPlan {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly output?: 'pipe' | 'inherit'
}

/**
 * One process of the demo: starts it, waits for a line of its log, ends it. The process has a session of its own, so that
 * only the demo gets the terminal's Ctrl-C. The demo then sends one signal to each program, in order: a second signal
 * would make most of them, such as the app, stop without draining. If the demo gets a second signal, it kills its programs.
 */
export class Program implements AsyncDisposable {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #lastLines: string[] = []
  readonly #kill = (): void => void this.#child.kill('SIGKILL')

  constructor({ name, command, args, env, output = 'pipe' }: ProgramPlan) {
    this.#name = name
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', output, output],
      detached: true,
    })
    process.once('exit', this.#kill)
    this.#child.once('exit', () => process.off('exit', this.#kill))
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#keep(line))
    }
  }

  /**
   * Waits until the program prints a line that matches.
   * @throws Failure `upstream_timeout` with the program's last lines, if it ends first or after 8 s
   */
  async printed(pattern: RegExp, stop: AbortSignal): Promise<string> {
    const limit = AbortSignal.any([AbortSignal.timeout(START_TIMEOUT_MS), stop])
    const lines =
      this.#child.stdout === null ? [] : createInterface({ input: this.#child.stdout, signal: limit })
    for await (const line of lines) if (pattern.test(line)) return line
    stop.throwIfAborted()
    throw new Failure('upstream_timeout', {
      message: `${this.#name} did not start:\n${this.#lastLines.join('\n')}`,
      hint: 'its last lines, above, say why',
    })
  }

  /**
   * Waits until the program ends by itself.
   * @returns its exit code; null if a signal ended it
   * @throws AbortError if `stop` comes first
   */
  async ended(stop: AbortSignal): Promise<number | null> {
    const [status] = await once(this.#child, 'close', { signal: stop })
    return status
  }

  /** Sends SIGTERM and waits for the end; sends SIGKILL after 5 s. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(this.#kill, STOP_TIMEOUT_MS)
    await ended
    clearTimeout(timer)
  }

  #keep(line: string): void {
    this.#lastLines.push(line)
    if (this.#lastLines.length > KEPT_LINES) this.#lastLines.shift()
  }
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { ListenOptions } from '../src/listen/listen-options.ts'
import { WITHOUT_FFI } from '../src/testing/processes.ts'
import type { Order, Report, Step } from './starter-process.ts'
import type { WayName } from './ways.ts'
import { within } from './within.ts'

export interface Attempt {
  readonly path: string
  readonly way: WayName
  readonly atMs: number
  readonly options?: ListenOptions
  readonly http?: boolean
  /** Default 022. */
  readonly umask?: number
  /** Called before each step of the start, which waits for it. Default: the start does not stop. */
  readonly atStep?: (before: Step) => Promise<void>
}

/** The outcome of an attempt; `refused` has the code. */
export type Outcome = 'owns' | 'killed' | { readonly refused: string }

const MODULE = new URL('./starter-process.ts', import.meta.url)
const PATIENCE_MS = 30_000

/** How a starter takes the lock of the path. */
export type Lock = 'flock(1)' | 'flock(2)'

/** The parent's side of a starter process. */
export class Starter {
  readonly lock: Lock
  readonly #process: ChildProcess
  readonly #exited: Promise<unknown>
  #owns = false
  #outcome: PromiseWithResolvers<Outcome> | undefined
  #atStep: Attempt['atStep']
  #ended = Promise.withResolvers<void>()

  private constructor(lock: Lock) {
    this.lock = lock
    const execArgv = lock === 'flock(1)' ? [...WITHOUT_FFI] : []
    this.#process = fork(MODULE, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv })
    this.#process.on('message', (report: Report) => this.#hear(report))
    this.#exited = once(this.#process, 'exit').then(() => this.#end('killed'))
  }

  static async spawn(lock: Lock): Promise<Starter> {
    const starter = new Starter(lock)
    await within(PATIENCE_MS, 'a starter is ready', once(starter.#process, 'message'))
    return starter
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  /** Whether it lives and believes that it owns the path. */
  get owns(): boolean {
    return this.#owns
  }

  attempt({ options = {}, http = false, umask = 0o022, atStep, ...rest }: Attempt): Promise<Outcome> {
    this.#outcome = Promise.withResolvers()
    this.#atStep = atStep
    this.#order({ order: 'start', options, http, umask, stopping: atStep !== undefined, ...rest })
    return within(PATIENCE_MS, 'a start ends', this.#outcome.promise)
  }

  /** Tells it to close after `afterMs` milliseconds, and waits until it has. */
  async stop(afterMs = 0): Promise<void> {
    if (!this.#owns) return
    this.#order({ order: 'stop', afterMs })
    await this.ended()
  }

  /** Resolves when it no longer owns the path. */
  async ended(): Promise<void> {
    if (this.#owns) await within(PATIENCE_MS, 'an owner ends', this.#ended.promise)
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exited
  }

  #order(order: Order): void {
    this.#process.send(order)
  }

  #hear(report: Report): void {
    if (report.report === 'owns') this.#begin()
    if (report.report === 'refused') this.#outcome?.resolve({ refused: report.code })
    if (report.report === 'stopped') this.#stop(report.before)
    if (report.report === 'ended') this.#end()
  }

  #begin(): void {
    this.#owns = true
    this.#ended = Promise.withResolvers()
    this.#outcome?.resolve('owns')
  }

  #stop(before: Step): void {
    this.#atStep?.(before).then(
      () => this.#order({ order: 'go-on' }),
      (error) => this.#outcome?.reject(error),
    )
  }

  #end(outcome?: 'killed'): void {
    this.#owns = false
    if (outcome) this.#outcome?.resolve(outcome)
    this.#ended.resolve()
  }
}

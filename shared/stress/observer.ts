import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Observation } from './observer-process.ts'
import type { Tally } from './tally.ts'
import { within } from './within.ts'

const MODULE = new URL('./observer-process.ts', import.meta.url)
const PATIENCE_MS = 30_000

/** Another process that checks a path all the time, as a client may at any moment. */
export class Observer implements AsyncDisposable {
  readonly #process: ChildProcess

  private constructor(path: string, mode: number) {
    this.#process = fork(MODULE, [path, String(mode)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  }

  static async of(path: string, mode = 0o660): Promise<Observer> {
    const observer = new Observer(path, mode)
    await within(PATIENCE_MS, 'an observer is ready', once(observer.#process, 'message'))
    return observer
  }

  /** Observes during `work`, and adds what it saw to the tally. */
  async during(work: () => Promise<void>, tally: Tally): Promise<void> {
    this.#process.send('start')
    await work()
    const report = once(this.#process, 'message')
    this.#process.send('stop')
    const [seen] = (await within(PATIENCE_MS, 'an observer reports', report)) as [Observation]
    tally.count('looks', seen.looks)
    tally.count('connections', seen.connections)
    tally.violation('path_missing', seen.missing)
    tally.violation('wrong_mode', seen.wrongMode)
    for (const [code, times] of Object.entries(seen.failed)) {
      tally.count(`connection ${code}`, times)
      tally.violation('connection_failed', times)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
    await once(this.#process, 'exit')
  }
}

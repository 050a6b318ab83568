import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { type Exchanger, within } from './exchange.ts'
import type { Target } from './target.ts'

/** What a load generator is given: who asks, until when, and where to say how it went. */
export interface Load {
  readonly target: Target
  readonly exchangers: readonly Exchanger[]
  /** Milliseconds. No request begins later. */
  readonly durationMs: number
  readonly signal: AbortSignal
  /** @param ms from sending, or from when the request was due */
  readonly answered: (ms: number) => void
  readonly failed: (error: unknown) => void
}

/** An answer that takes longer than this after the end is given up. */
export const STRAGGLER_MS = 5_000

/** Each connection sends as soon as it has its answer. A connection that failed sends no more. */
export async function closedLoop(load: Load): Promise<void> {
  const { target, exchangers, durationMs, failed } = load
  const end = performance.now() + durationMs
  const bound = durationMs + STRAGGLER_MS
  const loops = exchangers.map((exchanger) => within(bound, target, [exchanger], loop(exchanger, end, load)))
  await Promise.all(loops.map((one) => one.catch(failed)))
}

async function loop(exchanger: Exchanger, end: number, { signal, answered }: Load): Promise<void> {
  for (let sent = performance.now(); sent < end && !signal.aborted; ) {
    await exchanger.exchange()
    const now = performance.now()
    answered(now - sent)
    sent = now
  }
}

/** A timer may be this late; nearer to the moment, wait by turns of the event loop. */
const TIMER_SLACK_MS = 2

/**
 * Sends at fixed moments whatever the answers do, on the first free connection. A request that finds none waits, and
 * its time counts from when it was due: a stall is charged to everybody whom it delays, not to one request alone.
 */
export async function constantRate(load: Load, ratePerSecond: number): Promise<void> {
  const { durationMs, signal } = load
  const start = performance.now()
  const total = Math.floor((durationMs / 1_000) * ratePerSecond)
  const dispatcher = new Dispatcher(load)
  for (let i = 0; i < total && !signal.aborted && dispatcher.alive; i++) {
    const due = start + (i * 1_000) / ratePerSecond
    await until(due, signal)
    dispatcher.send(due)
  }
  await dispatcher.finished()
}

async function until(moment: number, signal: AbortSignal): Promise<void> {
  for (let now = performance.now(); now < moment && !signal.aborted; now = performance.now())
    await (moment - now > TIMER_SLACK_MS ? pause(moment - now - TIMER_SLACK_MS) : turn())
}

/** Hands what is due to free connections, first come first served. */
class Dispatcher {
  readonly #load: Load
  readonly #free: Exchanger[]
  readonly #due: number[] = []
  #next = 0
  readonly #busy = new Set<Promise<void>>()

  constructor(load: Load) {
    this.#load = load
    this.#free = [...load.exchangers]
  }

  /** Whether any connection is left. */
  get alive(): boolean {
    return this.#free.length + this.#busy.size > 0
  }

  send(due: number): void {
    this.#due.push(due)
    const exchanger = this.#free.pop()
    if (exchanger === undefined) return
    const work: Promise<void> = this.#work(exchanger).finally(() => this.#busy.delete(work))
    this.#busy.add(work)
  }

  async finished(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy)
  }

  async #work(exchanger: Exchanger): Promise<void> {
    const { target, durationMs, failed } = this.#load
    try {
      await within(durationMs + STRAGGLER_MS, target, [exchanger], this.#exchangeWhatIsDue(exchanger))
      this.#free.push(exchanger)
    } catch (error) {
      failed(error)
    }
  }

  async #exchangeWhatIsDue(exchanger: Exchanger): Promise<void> {
    const { signal, answered } = this.#load
    while (this.#next < this.#due.length && !signal.aborted) {
      const due = this.#due[this.#next++] as number
      await exchanger.exchange()
      answered(performance.now() - due)
    }
  }
}

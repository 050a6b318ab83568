import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { type Exchanger, within } from './exchange.ts'
import type { Target } from './target.ts'

/** Input of a load generator: its connections, its duration, and where it reports results. */
export interface Load {
  readonly target: Target
  readonly exchangers: readonly Exchanger[]
  /** No request starts after this time. */
  readonly durationMs: number
  readonly signal: AbortSignal
  /** @param ms since the request was sent, or since it was due */
  readonly responded: (ms: number) => void
  readonly failed: (error: unknown) => void
}

/** How long after the end a response may still arrive. */
export const STRAGGLER_MS = 5_000

/** Each connection sends its next request as soon as it has the response. A failed connection sends no more. */
export async function closedLoop(load: Load): Promise<void> {
  const { target, exchangers, durationMs, failed } = load
  const end = performance.now() + durationMs
  const bound = durationMs + STRAGGLER_MS
  const loops = exchangers.map((exchanger) => within(bound, target, [exchanger], loop(exchanger, end, load)))
  await Promise.all(loops.map((one) => one.catch(failed)))
}

async function loop(exchanger: Exchanger, end: number, { signal, responded }: Load): Promise<void> {
  for (let sent = performance.now(); sent < end && !signal.aborted; ) {
    await exchanger.exchange()
    const now = performance.now()
    responded(now - sent)
    sent = now
  }
}

/** A timer may fire this late. Closer to the due time, turns of the event loop are used instead. */
const TIMER_SLACK_MS = 2

/**
 * Sends at fixed times, however long responses take, on the first free connection. A request without a free connection
 * waits, and its time counts from when it was due: a stall counts for every request that it delays, not only for one.
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

async function until(due: number, signal: AbortSignal): Promise<void> {
  for (let now = performance.now(); now < due && !signal.aborted; now = performance.now())
    await (due - now > TIMER_SLACK_MS ? pause(due - now - TIMER_SLACK_MS) : turn())
}

/** Gives due requests to free connections, in order. */
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
      await within(durationMs + STRAGGLER_MS, target, [exchanger], this.#exchangeAllDue(exchanger))
      this.#free.push(exchanger)
    } catch (error) {
      failed(error)
    }
  }

  async #exchangeAllDue(exchanger: Exchanger): Promise<void> {
    const { signal, responded } = this.#load
    while (this.#next < this.#due.length && !signal.aborted) {
      const due = this.#due[this.#next++] as number
      await exchanger.exchange()
      responded(performance.now() - due)
    }
  }
}

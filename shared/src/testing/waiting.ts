import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

/** Long enough for a busy machine. A test that passes never waits for it. */
const DEADLINE_MS = 60_000

/**
 * Calls `probe` again and again until it returns something other than undefined or false.
 * @param what is awaited, for the message
 * @returns what `probe` returned at last
 * @throws Error that names `what` after 60 s
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const result = await probe()
    if (result !== undefined && result !== false) return result
    if (performance.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`)
    await pause(5)
  }
}

export interface Patience {
  /** Default 60000. */
  readonly withinMs?: number
  /** Between two checks. Default 50. */
  readonly everyMs?: number
}

/**
 * Calls `check`, which asserts something, until it does not throw, and returns what it returned.
 * @throws what it threw last, once the time is up
 */
export async function eventuallyPasses<T>(
  check: () => T | Promise<T>,
  { withinMs = DEADLINE_MS, everyMs = 50 }: Patience = {},
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() + everyMs > deadline) throw error
    }
    await pause(everyMs)
  }
}

const SEARCH_MS = 60_000

export interface Quickest<T> {
  /** How long the last run took, the only one that was quick enough. */
  readonly ms: number
  /** The result of each run. */
  readonly outcomes: T[]
}

/**
 * Repeats `work` until one run takes less than `mostMs`. So an upper bound measures the product and not the machine: a
 * busy machine makes a run slower, but never quicker than the product is.
 * @throws what `work` throws, at once; AssertionError if no run was so quick within 60 s
 */
export async function atItsQuickest<T>(mostMs: number, work: () => Promise<T>): Promise<Quickest<T>> {
  const outcomes: T[] = []
  const deadline = performance.now() + SEARCH_MS
  for (;;) {
    const start = performance.now()
    outcomes.push(await work())
    const ms = performance.now() - start
    if (ms < mostMs) return { ms, outcomes }
    assert.ok(performance.now() < deadline, `it took ${Math.round(ms)} ms, and may take ${mostMs}`)
  }
}

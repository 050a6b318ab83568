import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

/** Nobody waits for it on a machine that works, and a busy one needs it. */
const DEADLINE_MS = 60_000

/**
 * Asks again until `probe` gives something else than undefined or false.
 * @throws Error naming `what` when it has not within a minute
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > deadline) throw new Error(`not within ${DEADLINE_MS} ms: ${what}`)
    await pause(5)
  }
}

const SEARCH_MS = 60_000

export interface Quickest<T> {
  /** How long the last time took, the only one that was quick enough. */
  readonly ms: number
  /** What came of each time. */
  readonly outcomes: T[]
}

/**
 * Does `work` again until it takes less than `mostMs` once, so that an upper bound says something about the product and
 * nothing about the machine: one that is busy makes it slower at times, never quicker than it is.
 * @throws what `work` throws, at once; AssertionError when it was never so quick within a minute
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

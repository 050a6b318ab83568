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

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

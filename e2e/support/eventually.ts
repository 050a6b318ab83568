import { setTimeout as pause } from 'node:timers/promises'

export interface Patience {
  /** Default 60000: nobody waits for it on a machine that works, and a busy one needs it. */
  readonly withinMs?: number
  /** Between two looks. Default 50. */
  readonly everyMs?: number
}

/**
 * The only way to wait here: calls `look` until it does not throw, and returns what it returned.
 * @throws what it threw last, once the time is up
 */
export async function eventually<T>(look: () => T | Promise<T>, patience: Patience = {}): Promise<T> {
  const { withinMs = 60_000, everyMs = 50 } = patience
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await look()
    } catch (error) {
      if (performance.now() + everyMs > deadline) throw error
    }
    await pause(everyMs)
  }
}

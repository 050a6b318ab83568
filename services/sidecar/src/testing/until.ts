import { setTimeout as pause } from 'node:timers/promises'

/** Looks every 5 ms until `condition` holds; fails with what was awaited after 5 s. */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`waited 5 s in vain for: ${typeof what === 'string' ? what : what()}`)
    await pause(5)
  }
}

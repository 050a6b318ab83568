import { setTimeout as pause } from 'node:timers/promises'
import { describeHolder, lockHolder } from './lock-holder.ts'

export interface LockWait {
  /** How long to wait for another holder, in milliseconds; 0 does not wait. */
  readonly waitMs: number
  /** Called once, after a second, with a line that says who holds the lock, how long we wait, and what ends the wait. */
  readonly onWait: (notice: string) => void
}

/** Others hold the lock for some milliseconds while they publish, so waiting longer than this is worth a notice. */
const NOTICE_AFTER_MS = 1_000

/** How often a lock that another holds is tried again. */
const RETRY_MS = 5

/**
 * Calls `attempt` until it has the lock or `waitMs` are over, without blocking the event loop.
 * @returns undefined if another holds the lock all the time
 */
export async function retryLock<T>(
  path: string,
  wait: LockWait,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = performance.now() + wait.waitMs
  await using _notice = noticeOf(path, wait, wait.waitMs)
  for (;;) {
    const lock = await attempt()
    if (lock !== undefined || performance.now() >= deadline) return lock
    await pause(RETRY_MS)
  }
}

/**
 * Says once why nothing happens, after a second; dispose it when the wait is over.
 * @param limitMs after how long a flock(1) that does not come back is given up
 */
export function noticeOf(path: string, { waitMs, onWait }: LockWait, limitMs: number): AsyncDisposable {
  let over = false
  let telling: Promise<void> | undefined
  const tell = async () => {
    const holder = await lockHolder(path)
    if (over) return
    if (waitMs === 0 && holder === undefined)
      onWait(
        `flock(1) has not come back from lock file ${path} for ${NOTICE_AFTER_MS / 1_000} s; gives up after ${limitMs / 1_000} s; its file system may hang`,
      )
    else {
      const { who, hint } = describeHolder(holder, path)
      onWait(`waiting for lock file ${path}, held by ${who}; gives up after ${waitMs / 1_000} s; ${hint}`)
    }
  }
  const timer = setTimeout(() => {
    telling = tell()
  }, NOTICE_AFTER_MS)
  return {
    [Symbol.asyncDispose]: async () => {
      over = true
      clearTimeout(timer)
      await telling
    },
  }
}

import { spawn } from 'node:child_process'
import { errnoOf, type Failure } from '../failure/failure.ts'
import { lockUnavailable } from './lock-file.ts'
import { type LockWait, noticeOf } from './lock-wait.ts'

/** Our choice for flock(1)'s option -E. Other implementations end with 1 when they do not know an option. */
const HELD_BY_ANOTHER = 75

/** How much longer than its wait flock(1) may take on a busy machine. If it takes longer, its file system hangs. */
const FLOCK_OVERTIME_MS = 30_000

/**
 * Locks `fd` by flock(1) of util-linux: the child inherits the descriptor, which is the same open file as ours, so the
 * lock stays when the child has ended. What flock(1) prints goes to our own stderr.
 * @param whyNot why flock(2) is not called instead, for the hint where there is no flock(1)
 * @returns false while another holds the lock
 * @throws Failure `lock_unavailable`
 */
export async function lockByCommand(
  path: string,
  fd: number,
  wait: LockWait,
  whyNot: string,
): Promise<boolean> {
  const status = await runFlock(path, fd, wait, whyNot)
  if (status === 0) return true
  if (status === HELD_BY_ANOTHER) return false
  const hint = 'use the flock of util-linux, on a file system that has flock(2); stderr says more'
  throw lockUnavailable(path, `cannot be locked: flock(1) ended with ${status}`, hint)
}

async function runFlock(
  path: string,
  fd: number,
  { waitMs, onWait }: LockWait,
  whyNot: string,
): Promise<number | null> {
  const wait = waitMs === 0 ? ['-n'] : ['-w', String(waitMs / 1_000)]
  const args = ['-x', '-E', String(HELD_BY_ANOTHER), ...wait, '3']
  const child = spawn('flock', args, { stdio: ['ignore', 'ignore', 'inherit', fd] })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', (cause) => reject(doesNotStart(path, cause, whyNot)))
  child.once('exit', resolve)
  await using _notice = noticeOf(path, { waitMs, onWait }, waitMs + FLOCK_OVERTIME_MS)
  const limit = setTimeout(() => {
    child.kill('SIGKILL')
    reject(flockHangs(path, waitMs + FLOCK_OVERTIME_MS))
  }, waitMs + FLOCK_OVERTIME_MS)
  return await promise.finally(() => clearTimeout(limit))
}

function doesNotStart(path: string, cause: Error, whyNot: string): Failure {
  const hint =
    errnoOf(cause) === 'ENOENT'
      ? `install util-linux; flock(1) is needed because ${whyNot}`
      : 'see errno; a pids limit may be too low'
  return lockUnavailable(path, 'cannot be locked: flock(1) does not start', hint, cause)
}

function flockHangs(path: string, limitMs: number): Failure {
  return lockUnavailable(
    path,
    `cannot be locked: flock(1) did not end within ${limitMs / 1_000} s`,
    'its file system hangs, or its server does: use a local one, such as tmpfs',
  )
}

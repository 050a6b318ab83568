import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { errnoOf, type Failure } from '../failure/failure.ts'
import { shellCommand } from '../text/shell-word.ts'
import { lstatIfAny } from './identity.ts'
import { checkLockFile, foreignLockHint } from './lock-file.ts'
import { describeHolder, lockHolder } from './lock-holder.ts'
import { lockUnavailable } from './lock-unavailable.ts'

const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Of our choice, unlike 1, with which other implementations also complain about options that they do not know. */
const HELD_BY_ANOTHER = 75

/** macOS takes the lock in open(2) itself; Node has no constant for it. */
const DARWIN_O_EXLOCK = 0x20
const DARWIN_RETRY_MS = 10

/** Nobody holds the lock as long as this while all is well. */
const NOTICE_AFTER_MS = 1_000

/** What flock(1) may take beyond its wait, on a busy machine. One that takes longer hangs in its file system. */
const FLOCK_OVERTIME_MS = 30_000

/** Errors of the system that say nothing of the lock file itself. */
const OF_THE_VOLUME: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE'])

export interface LockWait {
  /** How long to wait for another holder, in milliseconds; 0 does not wait. */
  readonly waitMs: number
  /** Is told once, after a second, for whom we wait, how long, and what ends the wait. */
  readonly onWait: (notice: string) => void
}

/**
 * Opens `path` (made with mode 0600) and takes an exclusive flock(2) on it, which the kernel drops when this process
 * ends, however it ends. The lock belongs to the open file, so it also holds between containers that share a volume.
 * @returns undefined while another holds it
 * @throws Failure `lock_unavailable`; the system's own error where the volume takes no new file
 */
export async function openLocked(path: string, wait: LockWait): Promise<FileHandle | undefined> {
  const darwin = process.platform === 'darwin'
  const file = await (darwin ? openWithLock(path, wait) : openFile(path, OPEN_FLAGS))
  if (file === undefined) return undefined
  try {
    await checkLockFile(path, file)
    if (darwin || (await flock(path, file.fd, wait))) return file
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

async function openFile(path: string, flags: number): Promise<FileHandle> {
  return open(path, flags, 0o600).catch(async (cause) => {
    if (OF_THE_VOLUME.has(errnoOf(cause) ?? '')) throw cause
    const owner = (await lstatIfAny(path))?.uid
    const foreign = owner !== undefined && Number(owner) !== process.geteuid?.()
    throw foreign
      ? lockUnavailable(path, `cannot be opened: it belongs to uid ${owner}`, foreignLockHint(path), cause)
      : lockUnavailable(
          path,
          'cannot be opened',
          `only the server that owns the socket may own its lock file; ${shellCommand('ls', '-l', path)} shows what stands there`,
          cause,
        )
  })
}

/**
 * Node has no flock(2), and an addon would have to be built for each platform; util-linux' flock(1) locks the
 * descriptor that it inherits, which is the same open file as ours. What it has to say goes to our own stderr.
 */
async function flock(path: string, fd: number, wait: LockWait): Promise<boolean> {
  const status = await runFlock(path, fd, wait)
  if (status === 0) return true
  if (status === HELD_BY_ANOTHER) return false
  const hint = 'use the flock of util-linux, on a file system that has flock(2); stderr says more'
  throw lockUnavailable(path, `cannot be locked: flock(1) ended with ${status}`, hint)
}

async function runFlock(path: string, fd: number, { waitMs, onWait }: LockWait): Promise<number | null> {
  const wait = waitMs === 0 ? ['-n'] : ['-w', String(waitMs / 1_000)]
  const args = ['-x', '-E', String(HELD_BY_ANOTHER), ...wait, '3']
  const child = spawn('flock', args, { stdio: ['ignore', 'ignore', 'inherit', fd] })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', (cause) => reject(doesNotStart(path, cause)))
  child.once('exit', resolve)
  await using _notice = noticeOf(path, { waitMs, onWait }, waitMs + FLOCK_OVERTIME_MS)
  const limit = setTimeout(() => {
    child.kill('SIGKILL')
    reject(flockHangs(path, waitMs + FLOCK_OVERTIME_MS))
  }, waitMs + FLOCK_OVERTIME_MS)
  return await promise.finally(() => clearTimeout(limit))
}

function doesNotStart(path: string, cause: Error): Failure {
  const hint = errnoOf(cause) === 'ENOENT' ? 'install util-linux' : 'see errno; a pids limit may be too low'
  return lockUnavailable(path, 'cannot be locked: flock(1) does not start', hint, cause)
}

function flockHangs(path: string, limitMs: number): Failure {
  const what = `cannot be locked: flock(1) did not end within ${limitMs / 1_000} s`
  return lockUnavailable(
    path,
    what,
    'its file system hangs, or its server does: use a local one, such as tmpfs',
  )
}

/** Tells once why nothing happens; disposed of before, it tells nothing. */
function noticeOf(path: string, { waitMs, onWait }: LockWait, limitMs: number): AsyncDisposable {
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

async function openWithLock(path: string, wait: LockWait): Promise<FileHandle | undefined> {
  const deadline = performance.now() + wait.waitMs
  await using _notice = noticeOf(path, wait, wait.waitMs)
  for (;;) {
    try {
      return await open(path, OPEN_FLAGS | DARWIN_O_EXLOCK, 0o600)
    } catch (cause) {
      if (errnoOf(cause) !== 'EAGAIN')
        throw lockUnavailable(path, 'cannot be locked', 'see errno, and open(2)', cause)
    }
    if (performance.now() >= deadline) return undefined
    await pause(DARWIN_RETRY_MS)
  }
}

import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open, readdir, readFile, readlink, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { errnoOf, type Failure } from '../failure/failure.ts'
import { shellCommand } from '../text/shell-word.ts'
import { visible } from '../text/visible.ts'
import { lstatIfAny } from './identity.ts'
import { checkLockFile, foreignLockHint, lockUnavailable } from './lock-file.ts'

/** A process that holds a lock, as far as this one may see. */
export interface LockHolder {
  readonly pid: number
  /** The name of its main thread (proc_pid_comm(5)). */
  readonly name: string
  /** Stopped by a signal or a debugger: it does nothing, and keeps its lock. */
  readonly stopped: boolean
}

/** Bounds the search on a machine with very many open files. */
const MAX_DESCRIPTORS = 50_000

/**
 * Which process holds the flock(2) of the file at `path`. Linux says so for each open file
 * (proc_pid_fdinfo(5)); /proc/locks names only the process that took the lock, which here was a flock(1) that has ended.
 * @returns undefined where none is seen: one in another container, one of another user, or no /proc
 */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const file = await orUndefined(stat(path))
  const pids = ((await orUndefined(readdir('/proc'))) ?? []).filter((name) => /^\d+$/.test(name))
  let seen = 0
  for (const pid of file === undefined ? [] : pids) {
    const descriptors = (await orUndefined(readdir(`/proc/${pid}/fd`))) ?? []
    seen += descriptors.length
    if (seen > MAX_DESCRIPTORS) return undefined
    for (const fd of descriptors) {
      const target = await orUndefined(readlink(`/proc/${pid}/fd/${fd}`))
      if (target === undefined || basename(target) !== basename(path)) continue
      const opened = await orUndefined(stat(`/proc/${pid}/fd/${fd}`))
      if (opened?.ino !== file?.ino || opened?.dev !== file?.dev) continue
      const info = (await orUndefined(readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))) ?? ''
      if (/^lock:.* FLOCK .* WRITE /m.test(info)) return await describeProcess(Number(pid))
    }
  }
  return undefined
}

/** What to say of the one who holds the lock file at `path`, and what ends the wait for him. */
export function describeHolder(holder: LockHolder | undefined, path: string): { who: string; hint: string } {
  if (holder === undefined)
    return {
      who: 'a process that cannot be seen from here (in another container, or of another user)',
      hint: `${shellCommand('fuser', '-v', path)}, as root on the host of that process, names it; continue it if it is stopped or paused, or end it`,
    }
  const { pid, name, stopped } = holder
  return {
    who: `process ${pid} (${visible(name)})${stopped ? ', which is stopped' : ''}`,
    hint: stopped
      ? `continue it (kill -CONT ${pid}), or end it`
      : `stop it first (kill ${pid}), or start both with onConflict takeover`,
  }
}

async function describeProcess(pid: number): Promise<LockHolder> {
  const text = (await orUndefined(readFile(`/proc/${pid}/stat`, 'utf8'))) ?? ''
  const { name = 'unknown', state = '' } = /^\d+ \((?<name>.*)\) (?<state>\S)/s.exec(text)?.groups ?? {}
  return { pid, name: name.replace(/-MainThread$/, ''), stopped: state === 'T' || state === 't' }
}

/** A process or a descriptor that has gone, or is not ours to look at, is none that we see. */
async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return undefined
  }
}

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

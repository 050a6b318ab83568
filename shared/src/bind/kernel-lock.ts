import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { errnoOf } from '../failure/failure.ts'
import { checkLockFile } from './lock-file.ts'
import { lockUnavailable } from './lock-unavailable.ts'

const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** Of our choice, unlike 1, with which other implementations also complain about options that they do not know. */
const HELD_BY_ANOTHER = 75

/** macOS takes the lock in open(2) itself; Node has no constant for it. */
const DARWIN_O_EXLOCK = 0x20
const DARWIN_RETRY_MS = 10

/**
 * Opens `path` (made with mode 0600) and takes an exclusive flock(2) on it, which the kernel drops when this process
 * ends, however it ends. The lock belongs to the open file, so it also holds between containers that share a volume.
 * @param waitMs how long to wait for another holder; 0 does not wait
 * @returns undefined while another holds it
 * @throws Failure `lock_unavailable`
 */
export async function openLocked(path: string, waitMs: number): Promise<FileHandle | undefined> {
  const darwin = process.platform === 'darwin'
  const file = await (darwin ? openWithLock(path, waitMs) : openFile(path, OPEN_FLAGS))
  if (file === undefined) return undefined
  try {
    await checkLockFile(path, file)
    if (darwin || (await flock(path, file.fd, waitMs))) return file
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

async function openFile(path: string, flags: number): Promise<FileHandle> {
  return open(path, flags, 0o600).catch((cause) => {
    throw lockUnavailable(
      path,
      'cannot be opened',
      'only the server that owns the socket may own its lock file; ls -l shows what stands there',
      cause,
    )
  })
}

/**
 * Node has no flock(2), and an addon would have to be built for each platform; util-linux' flock(1) locks the
 * descriptor that it inherits, which is the same open file as ours. What it has to say goes to our own stderr.
 */
async function flock(path: string, fd: number, waitMs: number): Promise<boolean> {
  const status = await runFlock(path, fd, waitMs)
  if (status === 0) return true
  if (status === HELD_BY_ANOTHER) return false
  const hint = 'use the flock of util-linux, on a file system that has flock(2); stderr says more'
  throw lockUnavailable(path, `cannot be locked: flock(1) ended with ${status}`, hint)
}

async function runFlock(path: string, fd: number, waitMs: number): Promise<number | null> {
  const wait = waitMs === 0 ? ['-n'] : ['-w', String(waitMs / 1_000)]
  const args = ['-x', '-E', String(HELD_BY_ANOTHER), ...wait, '3']
  const child = spawn('flock', args, { stdio: ['ignore', 'ignore', 'inherit', fd] })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('exit', resolve)
  return promise.catch((cause) => {
    const hint = errnoOf(cause) === 'ENOENT' ? 'install util-linux' : 'see errno; a pids limit may be too low'
    throw lockUnavailable(path, 'cannot be locked: flock(1) does not start', hint, cause)
  })
}

async function openWithLock(path: string, waitMs: number): Promise<FileHandle | undefined> {
  const deadline = performance.now() + waitMs
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

import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { errnoOf, Failure } from '../failure/failure.ts'

const OPEN_FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** macOS takes the lock in open(2) itself; Node has no constant for it. */
const DARWIN_O_EXLOCK = 0x20

/**
 * Opens `path` (made with mode 0600) and takes an exclusive flock(2) on it, which the kernel drops when this process
 * ends, however it ends. The lock belongs to the open file, so it also holds between containers that share a volume.
 * @param waitMs how long to wait for another holder; 0 does not wait
 * @returns undefined while another holds it
 * @throws Failure `lock_unavailable`
 */
export async function openLocked(path: string, waitMs: number): Promise<FileHandle | undefined> {
  return process.platform === 'darwin' ? openLockedDarwin(path, waitMs) : openThenFlock(path, waitMs)
}

async function openThenFlock(path: string, waitMs: number): Promise<FileHandle | undefined> {
  const file = await open(path, OPEN_FLAGS, 0o600).catch((cause) => {
    throw unavailable(
      path,
      'cannot be opened',
      'only the server that owns the socket may own its lock file',
      cause,
    )
  })
  try {
    if (!(await file.stat()).isFile())
      throw unavailable(path, 'is not a regular file', 'remove what stands there')
    if (await flock(path, file.fd, waitMs)) return file
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

/**
 * Node has no flock(2), and an addon would have to be built for each platform; util-linux' flock(1) locks the
 * descriptor that it inherits, which is the same open file as ours.
 */
async function flock(path: string, fd: number, waitMs: number): Promise<boolean> {
  const wait = waitMs === 0 ? ['-n'] : ['-w', String(waitMs / 1_000)]
  const child = spawn('flock', ['-x', ...wait, '3'], { stdio: ['ignore', 'ignore', 'pipe', fd] })
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  let stderr = ''
  child.stdio[2]?.on('data', (chunk) => {
    stderr += chunk
  })
  child.once('error', reject)
  child.once('close', resolve)
  const status = await promise.catch((cause) => {
    throw unavailable(path, 'cannot be locked: flock(1) does not start', 'install util-linux', cause)
  })
  if (status === 0) return true
  if (status === 1 && stderr === '') return false
  throw unavailable(
    path,
    `cannot be locked: flock(1) ended with ${status}: ${stderr.trim()}`,
    'install util-linux',
  )
}

async function openLockedDarwin(path: string, waitMs: number): Promise<FileHandle | undefined> {
  const deadline = performance.now() + waitMs
  for (;;) {
    try {
      return await open(path, OPEN_FLAGS | DARWIN_O_EXLOCK, 0o600)
    } catch (cause) {
      if (errnoOf(cause) !== 'EAGAIN')
        throw unavailable(path, 'cannot be locked', 'see errno, and open(2)', cause)
    }
    if (performance.now() >= deadline) return undefined
    await pause(10)
  }
}

function unavailable(path: string, what: string, hint: string, cause?: unknown): Failure {
  return new Failure('lock_unavailable', { message: `lock file ${path} ${what}`, hint, cause })
}

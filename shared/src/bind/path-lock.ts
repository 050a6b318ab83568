import type { FileHandle } from 'node:fs/promises'
import { type Identity, identityOf, lstatIfAny, sameInode } from './identity.ts'
import { openLocked } from './kernel-lock.ts'
import { keepPrivate, lockUnavailable } from './lock-file.ts'
import type { LockWait } from './lock-wait.ts'
import {
  formatPublication,
  isRecord,
  type Publication,
  parsePublication,
  RECORD_BYTES,
} from './publication.ts'

const MAX_ATTEMPTS = 10

/** The longest wait for servers that publish one after the other. */
const LONGEST_WAIT_MS = 60_000

export function lockFileOf(socketPath: string): string {
  return `${socketPath}.lock`
}

/**
 * The right to change the file at a socket path: a kernel lock on `PATH.lock`. The lock file is never unlinked: if it
 * were, two processes could each hold the lock of a file of that name. It also records the last publication.
 */
export class PathLock implements AsyncDisposable {
  readonly #file: FileHandle
  readonly #identity: Identity
  readonly #path: string

  private constructor(path: string, file: FileHandle, identity: Identity) {
    this.#path = path
    this.#file = file
    this.#identity = identity
  }

  /**
   * @param longestMs how long to wait in all, for others that publish one after the other
   * @returns undefined while another holds it
   * @throws Failure `lock_unavailable`
   */
  static async acquire(
    socketPath: string,
    wait: LockWait,
    longestMs = LONGEST_WAIT_MS,
  ): Promise<PathLock | undefined> {
    const path = lockFileOf(socketPath)
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const file = await openInTurn(path, wait, longestMs)
      if (file === undefined) return undefined
      const lock = new PathLock(path, file, identityOf(await file.stat({ bigint: true })))
      if (await lock.#isUsable()) return lock
      await lock.release()
    }
    const hint = 'something removes lock files; they belong to the servers and stay where they are'
    throw lockUnavailable(path, `was replaced ${MAX_ATTEMPTS} times while it was being locked`, hint)
  }

  /** Whether a process that opens the path now finds this lock. */
  async isAtItsPath(): Promise<boolean> {
    const stats = await lstatIfAny(this.#path)
    return stats !== undefined && sameInode(identityOf(stats), this.#identity)
  }

  /** The socket that was published last under this lock, if it was recorded. */
  async lastPublication(): Promise<Publication | undefined> {
    return parsePublication(await this.#read())
  }

  /** Reserves the space for `record`, so that a full volume fails the start before anything is published. */
  async reserve(): Promise<void> {
    const { size } = await this.#file.stat()
    if (size < RECORD_BYTES) await this.#file.write(' '.repeat(RECORD_BYTES - size), size)
  }

  async record(publication: Publication): Promise<void> {
    await this.#file.write(formatPublication(publication), 0)
  }

  async release(): Promise<void> {
    await this.#file.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  async #isUsable(): Promise<boolean> {
    try {
      if (!(await this.isAtItsPath())) return false
      if (isRecord(await this.#read())) {
        await keepPrivate(this.#file)
        return true
      }
    } catch (error) {
      await this.release()
      throw error
    }
    await this.release()
    throw lockUnavailable(
      this.#path,
      'belongs to another program: it holds no record of ours',
      'move it away',
    )
  }

  async #read(): Promise<string> {
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(RECORD_BYTES), 0, RECORD_BYTES, 0)
    return buffer.toString('utf8', 0, bytesRead)
  }
}

/**
 * `waitMs` is for one holder. While others publish, and so change the lock file, each of them holds it only for a moment:
 * the wait begins anew, because on a busy machine the last of many takeovers gets the lock late.
 */
async function openInTurn(path: string, wait: LockWait, longestMs: number): Promise<FileHandle | undefined> {
  const deadline = performance.now() + longestMs
  let isTold = false
  const onWait = (notice: string) => {
    if (!isTold) wait.onWait(notice)
    isTold = true
  }
  for (;;) {
    const before = await changedAt(path)
    const file = await openLocked(path, { ...wait, onWait })
    if (file !== undefined || wait.waitMs === 0) return file
    if (performance.now() >= deadline || (await changedAt(path)) === before) return undefined
  }
}

async function changedAt(path: string): Promise<bigint | undefined> {
  return (await lstatIfAny(path))?.mtimeNs
}

import type { FileHandle } from 'node:fs/promises'
import { Failure } from '../failure/failure.ts'
import { type Identity, identityOf, lstatIfAny, sameInode } from './identity.ts'
import { openLocked } from './kernel-lock.ts'
import { formatPublication, type Publication, parsePublication } from './publication.ts'

const MAX_ATTEMPTS = 10
const MAX_RECORD_BYTES = 1_024

/**
 * The right to change what stands at a socket path: a kernel lock on `PATH.lock`. The file is never unlinked, for
 * then two processes could hold the lock of two files with one name. It also records the last publication.
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
   * @param waitMs how long to wait while another holds it
   * @returns undefined while another holds it
   * @throws Failure `lock_unavailable`
   */
  static async acquire(socketPath: string, waitMs: number): Promise<PathLock | undefined> {
    const path = `${socketPath}.lock`
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const file = await openLocked(path, waitMs)
      if (file === undefined) return undefined
      const lock = new PathLock(path, file, identityOf(await file.stat({ bigint: true })))
      if (await lock.isAtItsPath()) return lock
      await lock.release()
    }
    throw new Failure('lock_unavailable', {
      message: `lock file ${path} was replaced ${MAX_ATTEMPTS} times while it was being locked`,
      hint: 'something removes lock files; they belong to the servers and stay where they are',
    })
  }

  /** Whether others who open the path now would meet this lock. */
  async isAtItsPath(): Promise<boolean> {
    const stats = await lstatIfAny(this.#path)
    return stats !== undefined && sameInode(identityOf(stats), this.#identity)
  }

  /** The last socket that was published under this lock, if that was recorded. */
  async lastPublication(): Promise<Publication | undefined> {
    const { buffer, bytesRead } = await this.#file.read(
      Buffer.alloc(MAX_RECORD_BYTES),
      0,
      MAX_RECORD_BYTES,
      0,
    )
    return parsePublication(buffer.toString('utf8', 0, bytesRead))
  }

  async record(publication: Publication): Promise<void> {
    const text = formatPublication(publication)
    await this.#file.write(text, 0)
    await this.#file.truncate(Buffer.byteLength(text))
  }

  async release(): Promise<void> {
    await this.#file.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }
}

import { unlink } from 'node:fs/promises'
import type { Server } from 'node:net'
import { dirname } from 'node:path'
import { checkBytes, checkSocketPath } from '../endpoint/endpoint.ts'
import { checkDirectory } from './directory.ts'
import { formatIdentity, type Identity, identityOf, lstatIfAny, sameInode } from './identity.ts'
import { inUse, lockHeld, refuseForeignOwner, refuseLiveOwner } from './incumbent.ts'
import { PathLock } from './path-lock.ts'
import { type PublishOptions, publish } from './publish.ts'
import { newStagingDirectory, stagedSocket, sweepStaging } from './staging.ts'

/** What may change while a socket is published. */
export type Rights = Pick<BindOptions, 'mode' | 'group' | 'onConflict'>

export interface BindOptions extends PublishOptions {
  /**
   * `refuse` owns the path alone: it holds the lock for life and never displaces a live server. `takeover` holds it
   * only while it publishes, so that the next one may take over from it.
   */
  readonly onConflict: 'refuse' | 'takeover'
  /** Called once if another holds the lock for a second: with who holds it, how long we wait, and what ends the wait. */
  readonly onWait: (notice: string) => void
}

/** What is at the path of a server: its own socket, nothing, another server's socket, or something else. */
export type Sight = 'ours' | 'missing' | 'replaced' | 'occupied'

/**
 * How long to wait for one holder. A takeover holds the lock for milliseconds; a server with onConflict refuse holds it as
 * long as it lives.
 */
const LOCK_WAIT_MS = 5_000

/** A socket that is published at a path: the file's side of a listener (docs/bind-protocol.md). */
export class BoundPath {
  readonly path: string
  #options: BindOptions
  #identity: Identity
  #lock: PathLock | undefined

  private constructor(path: string, options: BindOptions, identity: Identity, lock: PathLock) {
    this.path = path
    this.#options = options
    this.#identity = identity
    this.#lock = lock
  }

  /**
   * Publishes a socket on which `server` listens.
   * @throws Failure `bad_endpoint`, `path_too_long`, `directory_missing`, `directory_unsafe`, `directory_denied`,
   * `lock_unavailable`, `in_use`, `socket_denied`, `path_occupied` or `group_denied`; nothing is changed then
   */
  static async bind(server: Server, path: string, options: BindOptions): Promise<BoundPath> {
    checkSocketPath(path)
    checkBytes(stagedSocket(newStagingDirectory(path)), 'staging path')
    await checkDirectory(dirname(path))
    const { onConflict, onWait } = options
    const waitMs = onConflict === 'takeover' ? LOCK_WAIT_MS : 0
    const lock = await PathLock.acquire(path, { waitMs, onWait })
    if (lock === undefined) throw waitMs === 0 ? inUse(path) : await lockHeld(path, waitMs)
    try {
      const identity = await takePath(server, path, options, lock)
      const bound = new BoundPath(path, options, identity, lock)
      await bound.#shareLock()
      return bound
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  get identity(): Identity {
    return this.#identity
  }

  async look(): Promise<Sight> {
    const stats = await lstatIfAny(this.path)
    if (stats === undefined) return 'missing'
    if (sameInode(identityOf(stats), this.#identity)) return 'ours'
    return stats.isSocket() ? 'replaced' : 'occupied'
  }

  /**
   * Publishes a new socket, on which `server` listens, after the old one was deleted.
   * @returns `busy` if the path is no longer free, or another server holds the lock and will take it; `superseded` if
   * another server published here after us, even if it has ended since: then we must not take the path back
   */
  async republish(server: Server): Promise<'published' | 'busy' | 'superseded'> {
    await checkDirectory(dirname(this.path))
    if (!(await this.#regainLock(this.#options.onConflict === 'takeover' ? LOCK_WAIT_MS : 0))) return 'busy'
    try {
      if ((await this.look()) !== 'missing') return 'busy'
      if (await this.#isSuperseded()) return 'superseded'
      this.#identity = await takePath(server, this.path, this.#options, this.#heldLock)
      return 'published'
    } finally {
      await this.#shareLock()
    }
  }

  /**
   * Replaces our own socket by one with other rights, on which `server` listens: a takeover within one process. At every
   * moment there is a socket at the path, and it has the old rights or the new ones.
   * @returns as `republish`
   * @throws Failure as `bind`; the old socket then stays as it is
   */
  async replace(server: Server, rights: Rights): Promise<'published' | 'busy' | 'superseded'> {
    await checkDirectory(dirname(this.path))
    if (!(await this.#regainLock(LOCK_WAIT_MS))) return 'busy'
    try {
      if ((await this.look()) !== 'ours') return 'busy'
      if (await this.#isSuperseded()) return 'superseded'
      const options = { ...this.#options, ...rights }
      this.#identity = await publishLocked(server, this.path, options, this.#heldLock)
      this.#options = options
      return 'published'
    } finally {
      await this.#shareLock()
    }
  }

  /** Unlinks the socket if it is still ours and no other server holds the lock, then gives up the path. */
  async withdraw(): Promise<void> {
    try {
      if ((await this.look()) !== 'ours' || !(await this.#regainLock(LOCK_WAIT_MS))) return
      if ((await this.look()) === 'ours') await unlink(this.path)
    } finally {
      await this.release()
    }
  }

  /** Gives up the path and leaves the file that is there. */
  async release(): Promise<void> {
    const lock = this.#lock
    this.#lock = undefined
    await lock?.release()
  }

  async #isSuperseded(): Promise<boolean> {
    const last = await this.#heldLock.lastPublication()
    return last !== undefined && last.identity !== formatIdentity(this.#identity)
  }

  get #heldLock(): PathLock {
    if (this.#lock === undefined) throw new Error('the path lock is not held')
    return this.#lock
  }

  /** Takes the lock, also if we hold it and its file was deleted: others would then lock another file. */
  async #regainLock(waitMs: number): Promise<boolean> {
    if (this.#lock !== undefined && (await this.#lock.isAtItsPath())) return true
    await this.release()
    this.#lock = await PathLock.acquire(this.path, { waitMs, onWait: this.#options.onWait })
    return this.#lock !== undefined
  }

  async #shareLock(): Promise<void> {
    if (this.#options.onConflict === 'takeover') await this.release()
  }
}

async function takePath(
  server: Server,
  path: string,
  options: BindOptions,
  lock: PathLock,
): Promise<Identity> {
  if (options.onConflict === 'takeover') await refuseForeignOwner(path, await lock.lastPublication())
  else await refuseLiveOwner(path)
  return await publishLocked(server, path, options, lock)
}

async function publishLocked(
  server: Server,
  path: string,
  options: BindOptions,
  lock: PathLock,
): Promise<Identity> {
  await sweepStaging(path)
  await lock.reserve()
  const identity = await publish(server, path, options)
  await lock.record({ identity: formatIdentity(identity), pid: process.pid })
  return identity
}

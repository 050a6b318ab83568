import type { BigIntStats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { errnoOf } from '../failure/failure.ts'

/** Which file it is, whatever its name: ext4 hands out a freed inode number at once, so the birth time belongs to it. */
export interface Identity {
  readonly dev: bigint
  readonly ino: bigint
  /** Nanoseconds since the epoch; the change time on file systems that keep no birth time. */
  readonly birthtimeNs: bigint
}

export function identityOf({ dev, ino, birthtimeNs }: BigIntStats): Identity {
  return { dev, ino, birthtimeNs }
}

/** `dev:ino:birthtimeNs`, to compare, log and store. */
export function formatIdentity({ dev, ino, birthtimeNs }: Identity): string {
  return `${dev}:${ino}:${birthtimeNs}`
}

/**
 * Whether both are the same file. Enough while one of them is known to be alive: a bound socket pins its inode
 * (unix(7): the kernel keeps the path), so no other file can have its number.
 */
export function sameInode(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

/** What is at `path` itself, links not followed; undefined if nothing. */
export async function lstatIfAny(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

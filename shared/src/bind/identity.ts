import type { BigIntStats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { errnoOf } from '../failure/failure.ts'

/** Which file it is, whatever its name. The birth time is part of it because ext4 reuses a freed inode number at once. */
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
 * Whether both are the same file. Comparing the inode is enough while one of them is in use: a bound socket keeps its
 * inode (unix(7)), so no other file can have the same number.
 */
export function sameInode(a: Identity, b: Identity): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

/** What is at `path`, without following links; undefined if nothing is there. */
export async function lstatIfAny(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

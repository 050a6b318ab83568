import type { BigIntStats } from 'node:fs'
import { type Identity, identityOf } from '../bind/identity.ts'
import { type FileKind, fileKind } from '../dial/file-kind.ts'

/** What the file system says of one file. */
export interface FileFacts {
  readonly kind: FileKind
  /** The permission bits alone, set-id and sticky bits included: 0o2750. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Another one at the same path means another file: a restart, a takeover, an emptied volume. */
  readonly identity: Identity
}

const PERMISSION_BITS = 0o7777n

export function factsOf(stats: BigIntStats): FileFacts {
  return {
    kind: fileKind(stats),
    mode: Number(stats.mode & PERMISSION_BITS),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    identity: identityOf(stats),
  }
}

/** As chmod(1) takes it: `0660`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

import type { BigIntStats } from 'node:fs'
import { lstat, readlink, stat } from 'node:fs/promises'
import { type Identity, identityOf } from '../bind/identity.ts'
import { type FileKind, fileKind } from '../dial/dial-failure.ts'
import { errnoOf } from '../failure/failure.ts'

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

/** What stands at a path; either `facts` or `errno` is set. */
export interface FileReport {
  /** Of the path itself, links not followed. */
  readonly facts: FileFacts | null
  /** Why nothing can be said: `ENOENT`, `ENOTDIR`, `EACCES` (a directory on the way), `ELOOP`. */
  readonly errno: string | null
  /** Where a symbolic link leads, and what is there; null when the path is none. */
  readonly link: { readonly target: string; readonly facts: FileFacts | null } | null
}

/** Looks at a path with one `lstat`, and a second call only for a symbolic link; connects to nothing. Never rejects. */
export async function inspectFile(path: string): Promise<FileReport> {
  try {
    const facts = factsOf(await lstat(path, { bigint: true }))
    return { facts, errno: null, link: facts.kind === 'symlink' ? await follow(path) : null }
  } catch (error) {
    return { facts: null, errno: systemError(error), link: null }
  }
}

async function follow(path: string): Promise<FileReport['link']> {
  const target = await readlink(path)
  return { target, facts: await stat(path, { bigint: true }).then(factsOf, dangling) }
}

function dangling(error: unknown): null {
  systemError(error)
  return null
}

function systemError(error: unknown): string {
  const errno = errnoOf(error)
  if (errno === undefined) throw error
  return errno
}

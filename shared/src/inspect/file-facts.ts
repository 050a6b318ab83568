import type { BigIntStats } from 'node:fs'
import { lstat, readlink, stat } from 'node:fs/promises'
import { type Identity, identityOf } from '../bind/identity.ts'
import { type FileKind, fileKind } from '../dial/dial-failure.ts'
import { errnoOf } from '../failure/failure.ts'

/** Type, permissions, owner and identity of one file. */
export interface FileFacts {
  readonly kind: FileKind
  /** Permission bits with set-id and sticky bits, such as 0o2750. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Changes when another file stands at the path: after a restart, a takeover or an emptied volume. */
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

/** Permission bits as chmod(1) writes them, such as `0660`. */
export function formatMode(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

/** What stands at a path. Either `facts` or `errno` is set. */
export interface FileReport {
  /** Of the path itself: a symbolic link is not followed. */
  readonly facts: FileFacts | null
  /** Why the file cannot be read: `ENOENT`, `ENOTDIR`, `EACCES` (a directory above it), `ELOOP`. */
  readonly errno: string | null
  /** The target of a symbolic link and what stands there; null when the path is not a link. */
  readonly link: { readonly target: string; readonly facts: FileFacts | null } | null
}

/**
 * Reads what stands at a path, without connecting to it: one `lstat`, and two more calls for a symbolic link. Never
 * rejects for an error of the system.
 */
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

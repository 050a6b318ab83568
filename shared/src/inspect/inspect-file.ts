import { lstat, readlink, stat } from 'node:fs/promises'
import { errnoOf } from '../failure/failure.ts'
import { type FileFacts, factsOf } from './file-facts.ts'

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

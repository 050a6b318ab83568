import { access, constants, readlink, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { errnoOf } from '../failure/failure.ts'
import { type FileFacts, factsOf } from './file-facts.ts'

/** One directory on the way to a socket. */
export interface DirectoryReport {
  readonly path: string
  /** Links followed, as the kernel does; null when it cannot be looked at. */
  readonly facts: FileFacts | null
  /** Whether this process may go through: the kernel's own word, access control lists included. */
  readonly traversable: boolean
  /** `ENOENT`, `ENOTDIR`, `EACCES`, `ELOOP`; null where the way goes on. */
  readonly errno: string | null
  /** Where it leads, if it is a symbolic link that stops the way. */
  readonly link?: string
}

/** Walks what the kernel walks, from `/` to the directory of `path`, and ends at the first that stops it. */
export async function inspectDirectories(path: string): Promise<DirectoryReport[]> {
  const reports: DirectoryReport[] = []
  for (const directory of ancestors(path)) {
    const report = await inspectDirectory(directory)
    reports.push(report)
    if (!report.traversable) break
  }
  return reports
}

function ancestors(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...ancestors(parent), parent]
}

async function inspectDirectory(path: string): Promise<DirectoryReport> {
  let facts: FileFacts | null = null
  try {
    facts = factsOf(await stat(path, { bigint: true }))
    if (facts.kind !== 'directory') return { path, facts, traversable: false, errno: 'ENOTDIR' }
    await access(path, constants.X_OK)
    return { path, facts, traversable: true, errno: null }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    return { path, facts, traversable: false, errno, ...(await linkAt(path)) }
  }
}

async function linkAt(path: string): Promise<{ link?: string }> {
  try {
    return { link: await readlink(path) }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return {}
  }
}

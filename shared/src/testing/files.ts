import { chmod, lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatIdentity, identityOf } from '../bind/identity.ts'

export interface TempDirectory extends AsyncDisposable {
  readonly path: string
  /** A path in the directory. */
  at(name: string): string
}

/** A new directory for one test, removed at its end. Its mode is 0755. */
export async function tempDirectory(prefix = 'uds-'): Promise<TempDirectory> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  await chmod(path, 0o755)
  return {
    path,
    at: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

/** Permission bits of what stands at `path`, such as 0o660. */
export async function modeOf(path: string): Promise<number> {
  return (await lstat(path)).mode & 0o7777
}

/** The identity of the file at `path`, as text. */
export async function identityAt(path: string): Promise<string> {
  return formatIdentity(identityOf(await lstat(path, { bigint: true })))
}

/** The sorted names in `directory`. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).sort()
}

/** Identity, permissions, times and content of what stands at `path`: equal only if nobody touched it. */
export async function fingerprint(path: string): Promise<string> {
  const stats = await lstat(path, { bigint: true })
  const { uid, gid, mode, mtimeNs, ctimeNs, nlink } = stats
  const content = stats.isFile()
    ? await readFile(path, 'hex')
    : stats.isSymbolicLink()
      ? await readlink(path)
      : stats.isDirectory()
        ? (await namesIn(path)).join()
        : ''
  return [formatIdentity(identityOf(stats)), uid, gid, mode, mtimeNs, ctimeNs, nlink, content].join(' ')
}

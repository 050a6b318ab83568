import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { formatIdentity, identityOf } from '../bind/identity.ts'

/** Permission bits of what stands at `path`, such as 0o660. */
export async function modeOf(path: string): Promise<number> {
  return (await lstat(path)).mode & 0o7777
}

/** Which file stands at `path`, as `Listener` names it. */
export async function identityAt(path: string): Promise<string> {
  return formatIdentity(identityOf(await lstat(path, { bigint: true })))
}

/** Sorted names in `directory`. */
export async function namesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).sort()
}

/** Everything that shows whether somebody touched `path`: which file, its rights and times, and what is in it. */
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

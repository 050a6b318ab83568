import { chmodSync, lstatSync, mkdirSync, rmdirSync } from 'node:fs'
import { lstat, readdir, rmdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import { errnoOf } from '../failure/failure.ts'

const PRIVATE = 0o700
const SOCKET_NAME = 's'
const ID_LENGTH = 4
const ID_SPACE = 36 ** ID_LENGTH
const MAX_ATTEMPTS = 10

/**
 * Where a socket is prepared before it is published: a directory beside its path that only the owner may enter, so that
 * mode and group are right before anybody else can connect. Its name counts in the bytes of the path, so it is short:
 * `.~`, four letters of a hash of the socket's name, and four random ones.
 */
export function newStagingDirectory(path: string): string {
  const random = shortId(Math.floor(Math.random() * ID_SPACE))
  return join(dirname(path), `${prefixFor(path)}${random}`)
}

export function stagedSocket(stagingDirectory: string): string {
  return join(stagingDirectory, SOCKET_NAME)
}

/** Makes a staging directory; it inherits group and setgid from its parent. */
export function makeStagingDirectory(path: string): string {
  for (let attempt = 1; ; attempt++) {
    const directory = newStagingDirectory(path)
    try {
      mkdirPrivate(directory)
      return directory
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST' || attempt === MAX_ATTEMPTS) throw error
    }
  }
}

/**
 * Removes the staging directories that crashed starts left beside `path`. The caller holds the path's lock, and staging
 * needs that lock, so no running start uses them. A directory that does not look exactly like ours stays.
 */
export async function sweepStaging(path: string): Promise<void> {
  const directory = dirname(path)
  const pattern = new RegExp(`^${prefixFor(path).replaceAll('.', '\\.')}[0-9a-z]{${ID_LENGTH}}$`)
  const orphans = (await readdir(directory))
    .filter((name) => pattern.test(name))
    .map((name) => join(directory, name))
  for (const orphan of orphans) if (await isOurs(orphan)) await removeStagingDirectory(orphan)
}

/** Removes the directory and the socket in it, if they still exist. */
export async function removeStagingDirectory(stagingDirectory: string): Promise<void> {
  await unlink(stagedSocket(stagingDirectory)).catch(unlessMissing)
  await rmdir(stagingDirectory).catch(unlessMissing)
}

function prefixFor(path: string): string {
  return `.~${shortId(hash(basename(path)) % ID_SPACE)}`
}

function shortId(number: number): string {
  return number.toString(36).padStart(ID_LENGTH, '0')
}

/** FNV-1a, 32 bits: nothing here is secret, and loading node:crypto would add 7 ms to each start. */
function hash(text: string): number {
  return Buffer.from(text).reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5)
}

async function isOurs(directory: string): Promise<boolean> {
  const stats = await lstat(directory)
  if (!stats.isDirectory() || stats.uid !== process.geteuid?.() || (stats.mode & 0o777) !== PRIVATE)
    return false
  const names = await readdir(directory)
  if (names.length === 0) return true
  return names.length === 1 && names[0] === SOCKET_NAME && (await lstat(stagedSocket(directory))).isSocket()
}

/**
 * Makes a directory with mode 0700 whatever the umask. The umask belongs to the whole process: changing it could give
 * wrong modes to files that other threads make at that moment. So we change it only if it takes rights from the owner
 * himself, which no usual umask does. chmod would remove the setgid bit from a directory whose group we are not in; it is
 * used only in a worker thread, where Node does not allow to set the umask.
 */
function mkdirPrivate(directory: string): void {
  mkdirSync(directory, PRIVATE)
  if ((lstatSync(directory).mode & PRIVATE) === PRIVATE) return
  if (!isMainThread) {
    chmodSync(directory, PRIVATE)
    return
  }
  rmdirSync(directory)
  const before = process.umask(0o077)
  try {
    mkdirSync(directory, PRIVATE)
  } finally {
    process.umask(before)
  }
}

function unlessMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error
}

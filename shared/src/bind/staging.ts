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
 * Where a socket is made ready before it is published: a directory beside its path that only the owner may enter, so
 * that mode and group are right before anybody else can reach it. Its name is short, for it counts in the path's
 * bytes: `.~`, four letters of the socket's name hashed, four at random.
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
 * Removes what starts that crashed before publishing left beside `path`. The caller holds the path's lock, under
 * which alone anything is staged, so nobody alive uses them. A directory that is not exactly of our making stays.
 */
export async function sweepStaging(path: string): Promise<void> {
  const directory = dirname(path)
  const pattern = new RegExp(`^${prefixFor(path).replaceAll('.', '\\.')}[0-9a-z]{${ID_LENGTH}}$`)
  const orphans = (await readdir(directory))
    .filter((name) => pattern.test(name))
    .map((name) => join(directory, name))
  for (const orphan of orphans) if (await isOurs(orphan)) await removeStagingDirectory(orphan)
}

/** Removes the directory and the socket in it, where they still are. */
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

/** FNV-1a, 32 bits: nothing here is secret, and node:crypto would cost each start 7 ms. */
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
 * Mode 0700 whatever the umask. To change the umask, which is the process's, would also give wrong modes to files that
 * other threads make at that moment, so it is left alone unless it takes rights from the owner himself, as none in use
 * does. chmod instead would take the setgid bit from a directory whose group we are not in; in a worker thread, where
 * Node lets nobody set the umask, that is what remains.
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

import { chmod, chown, lstat, rename, rmdir, stat } from 'node:fs/promises'
import type { ListenOptions, Server } from 'node:net'
import { dirname } from 'node:path'
import { errnoOf, Failure } from '../failure/failure.ts'
import { shellCommand } from '../text/shell-word.ts'
import { type Identity, identityOf, lstatIfAny, sameInode } from './identity.ts'
import { inUse } from './incumbent.ts'
import { makeStagingDirectory, removeStagingDirectory, stagedSocket } from './staging.ts'

/** `server.listen` as a promise; a cluster worker binds by itself instead of asking the primary. */
export function listenOn(
  server: Server,
  options: ListenOptions | { fd: number; backlog?: number },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('listening', resolve)
  server.once('error', reject)
  server.listen({ ...options, exclusive: true })
  return promise.finally(() => {
    server.off('listening', resolve)
    server.off('error', reject)
  })
}

export interface PublishOptions {
  readonly mode: number
  readonly group: number | undefined
  readonly backlog: number
}

const SETGID = 0o2000
const STICKY = 0o1000

/**
 * Makes `server` listen on a socket that appears at `path` in one step, with its mode and group. At no moment is there a
 * socket with wrong rights; and if there was one before, at no moment is there none. The caller holds the path's lock.
 *
 * When the server closes, Node unlinks the path that it bound, whoever owns it then (nodejs/node#19729). Here that is the
 * staged name, which no longer exists.
 */
export async function publish(server: Server, path: string, options: PublishOptions): Promise<Identity> {
  const staging = makeStagingDirectory(path)
  const staged = stagedSocket(staging)
  try {
    await listenOn(server, { path: staged, backlog: options.backlog })
    await giveRights(staged, path, options)
    const { dev, ino } = identityOf(await lstat(staged, { bigint: true }))
    await rename(staged, path).catch(async (cause) => {
      throw await renameFailure(path, cause)
    })
    await rmdir(staging)
    return await confirm(path, { dev, ino })
  } catch (error) {
    if (server.listening) server.close()
    await removeStagingDirectory(staging)
    throw error
  }
}

async function giveRights(staged: string, path: string, { mode, group }: PublishOptions): Promise<void> {
  const wanted = group ?? (await groupOf(dirname(path)))
  const { uid, gid } = await lstat(staged)
  if (wanted !== undefined && wanted !== gid) {
    await chown(staged, uid, wanted).catch((cause) => {
      throw groupDenied(path, wanted, cause)
    })
  }
  await chmod(staged, mode)
}

/** The group of a setgid directory, which every file made in it gets. */
async function groupOf(directory: string): Promise<number | undefined> {
  const { mode, gid } = await stat(directory)
  return mode & SETGID ? gid : undefined
}

/** Reads the birth time after the rename: file systems without one show the change time, which rename changes. */
async function confirm(path: string, { dev, ino }: Pick<Identity, 'dev' | 'ino'>): Promise<Identity> {
  const stats = await lstatIfAny(path)
  if (stats === undefined || !sameInode(identityOf(stats), { dev, ino, birthtimeNs: 0n })) throw inUse(path)
  return identityOf(stats)
}

/** In a directory with the sticky bit only root and the owners of file and directory may replace a file (rename(2)). */
async function renameFailure(path: string, cause: unknown): Promise<unknown> {
  const errno = errnoOf(cause)
  if (errno !== 'EPERM' && errno !== 'EACCES') return cause
  const [there, directory] = [await lstatIfAny(path), await stat(dirname(path))]
  if (there === undefined || Number(there.uid) === process.geteuid?.() || !(directory.mode & STICKY))
    return cause
  return new Failure('directory_denied', {
    message: `nobody listens on ${path}, but it belongs to uid ${there.uid}, and ${dirname(path)} (sticky, owner ${directory.uid}) does not let uid ${process.geteuid?.()} replace it`,
    hint: `remove it as its owner or as root: ${shellCommand('sudo', 'rm', path)}; or run as uid ${there.uid}`,
    cause,
  })
}

function groupDenied(path: string, group: number, cause: unknown): Failure {
  const groups = process.getgroups?.().join(', ')
  return new Failure('group_denied', {
    message: `the socket for ${path} cannot be given to group ${group}: we are in ${groups}`,
    hint: `add group_add: ["${group}"], or make the directory setgid with that group (mode=2750,gid=${group})`,
    cause,
  })
}

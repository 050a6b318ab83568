import type { BigIntStats } from 'node:fs'
import { readFile, realpath } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { dial } from '../dial/dial.ts'
import { fileKind } from '../dial/dial-failure.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { kernelState } from '../inspect/kernel-sockets.ts'
import { shellCommand } from '../text/shell-word.ts'
import { formatIdentity, identityOf, lstatIfAny } from './identity.ts'
import { describeHolder, lockHolder } from './lock-holder.ts'
import { lockFileOf } from './path-lock.ts'
import type { Publication } from './publication.ts'

/** A server that has bound and has not called listen(2) yet also refuses connections: ask again after this time. */
const SECOND_LOOK_MS = 20

/** A server that has not closed the probe's connection by then is paused, or waits for a request. */
const HANG_UP_MS = 100

/**
 * Checks whether we may take the path, without changing anything. We may if nothing is there, or a socket that refuses
 * connections. A server that accepts, is paused or has a full backlog is live. If we may not connect, the server may be
 * live or not: we leave the path alone, and say that it is in use only if the kernel's table proves it.
 * @param secondLookMs after how long we connect again to a socket that refused
 * @throws Failure `path_occupied`, `in_use` or `socket_denied`
 */
export async function refuseLiveOwner(path: string, secondLookMs = SECOND_LOOK_MS): Promise<void> {
  const stats = await lstatIfAny(path)
  if (stats === undefined) return
  if (!stats.isSocket()) throw await occupied(path, fileKind(stats))
  if (await isLive(path, stats)) throw inUse(path)
  await pause(secondLookMs)
  if (await isLive(path, stats)) throw inUse(path)
}

/**
 * For a takeover: a socket that this protocol published may be replaced while its server is live. Any other only if
 * `refuseLiveOwner` finds it stale: its server would not notice the takeover, and would unlink our socket when it ends.
 */
export async function refuseForeignOwner(path: string, last: Publication | undefined): Promise<void> {
  const stats = await lstatIfAny(path)
  const ours = stats?.isSocket() && last?.identity === formatIdentity(identityOf(stats))
  if (!ours) await refuseLiveOwner(path)
}

async function isLive(path: string, stats: BigIntStats): Promise<boolean> {
  try {
    await hangUp(await dial({ kind: 'unix', path }))
    return true
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    if (error.code === 'socket_denied') return await isProvenLive(path, stats, error)
    return error.code !== 'socket_stale' && error.code !== 'socket_missing'
  }
}

/**
 * For a socket that we may not connect to. The kernel's table lists the listeners of this network namespace only: a
 * socket in it is live; one that is missing may still be live in another container.
 * @throws Failure `socket_denied` if the table does not list it
 */
async function isProvenLive(
  path: string,
  { mode, uid, gid }: BigIntStats,
  denial: Failure,
): Promise<boolean> {
  if ((await kernelState({ kind: 'unix', path })) === 'listening') return true
  const rights = `mode ${(Number(mode) & 0o7777).toString(8).padStart(4, '0')}, owner ${uid}:${gid}`
  const ours = process.geteuid?.()
  throw new Failure('socket_denied', {
    message: `the socket at ${path} (${rights}) denies uid ${ours}: nobody can tell from here whether a server still uses it, and it is left as it is`,
    hint:
      Number(uid) === ours
        ? `if no server uses it any more, remove it: ${shellCommand('rm', path)}`
        : `run as uid ${uid}; or, if no server of uid ${uid} uses it any more, remove it as that user or as root: ${shellCommand('sudo', 'rm', path)}`,
    errno: denial.errno,
    cause: denial,
  })
}

/**
 * Ends the probe like a client that closes its connection. If we destroyed it at once, a connection on which the server
 * has already written would be reset, and a server that does not expect that may crash.
 */
async function hangUp(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, HANG_UP_MS)
  socket.once('error', () => resolve()).once('close', () => resolve())
  socket.resume().end()
  await promise
  clearTimeout(timer)
  socket.destroy()
}

async function occupied(path: string, kind: string): Promise<Failure> {
  const mounted = await isMountPoint(path)
  return new Failure('path_occupied', {
    message: `a ${kind} stands at ${path}; it is left as it is`,
    hint: mounted
      ? 'it is mounted there: mount the directory of the socket, never the single socket file'
      : 'it was not made by this server: move it away, or choose another path',
    errno: 'EEXIST',
  })
}

/** Where a single file is mounted, Docker makes an empty directory or keeps an old file (proc_pid_mountinfo(5)). */
async function isMountPoint(path: string): Promise<boolean> {
  try {
    const real = join(await realpath(dirname(path)), basename(path))
    const table = await readFile('/proc/self/mountinfo', 'utf8')
    return table.split('\n').some((line) => unescapeMount(line.split(' ')[4] ?? '') === real)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}

/** In the table, spaces, tabs, line feeds and backslashes are written as three octal digits. */
function unescapeMount(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  )
}

/** For a wait that was in vain: the holder's start hangs, or the holder keeps the lock because it refuses takeovers. */
export async function lockHeld(path: string, waitedMs: number): Promise<Failure> {
  const file = lockFileOf(path)
  const { who, hint } = describeHolder(await lockHolder(file), file)
  return new Failure('in_use', {
    message: `another server owns ${path}: for ${waitedMs / 1_000} s its lock file ${file} was held by ${who}`,
    hint,
    errno: 'EADDRINUSE',
  })
}

export function inUse(path: string): Failure {
  return new Failure('in_use', {
    message: `another server owns ${path}`,
    hint: 'stop it first, or start both with onConflict takeover; lsof or ss -xlp names the process',
    errno: 'EADDRINUSE',
  })
}

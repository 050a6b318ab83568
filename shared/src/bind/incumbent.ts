import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { dial } from '../dial/dial.ts'
import { fileKind } from '../dial/file-kind.ts'
import { Failure } from '../failure/failure.ts'
import { formatIdentity, identityOf, lstatIfAny } from './identity.ts'
import type { Publication } from './publication.ts'

/** A server that has bound and not yet called listen(2) refuses too: ask again after this. */
const SECOND_LOOK_MS = 20

/** A server that has not ended the probe by then is paused, or waits for more. */
const HANG_UP_MS = 100

/**
 * Asks whether the path may be taken, and touches nothing: it may if nothing is there, or a socket that refuses
 * connections. Everything else is a live owner: one that accepts, is paused, has a full backlog or denies us.
 * @param secondLookMs after how long a socket that refused is asked again
 * @throws Failure `path_occupied` or `in_use`
 */
export async function refuseLiveOwner(path: string, secondLookMs = SECOND_LOOK_MS): Promise<void> {
  const stats = await lstatIfAny(path)
  if (stats === undefined) return
  if (!stats.isSocket()) throw occupied(path, fileKind(stats))
  if (await isLive(path)) throw inUse(path)
  await pause(secondLookMs)
  if (await isLive(path)) throw inUse(path)
}

/**
 * For a takeover: a socket that was published by this protocol may be replaced while it lives, any other only if
 * `refuseLiveOwner` finds it dead, for its owner would never notice, and would unlink ours when it ends.
 */
export async function refuseForeignOwner(path: string, last: Publication | undefined): Promise<void> {
  const stats = await lstatIfAny(path)
  const ours = stats?.isSocket() && last?.identity === formatIdentity(identityOf(stats))
  if (!ours) await refuseLiveOwner(path)
}

async function isLive(path: string): Promise<boolean> {
  try {
    await hangUp(await dial({ kind: 'unix', path }))
    return true
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return error.code !== 'socket_stale' && error.code !== 'socket_missing'
  }
}

/**
 * Ends the probe as a client does that changed its mind. Destroying it at once would reset a connection on which the
 * server has said something already, and a server that does not expect that may die of it.
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

function occupied(path: string, kind: string): Failure {
  return new Failure('path_occupied', {
    message: `a ${kind} stands at ${path}; it is left as it is`,
    hint: 'it was not made by this server: move it away, or choose another path',
    errno: 'EEXIST',
  })
}

export function inUse(path: string): Failure {
  return new Failure('in_use', {
    message: `another server owns ${path}`,
    hint: 'stop it first, or start both with onConflict takeover; lsof or ss -xlp names the process',
    errno: 'EADDRINUSE',
  })
}

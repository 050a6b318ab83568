import { readdir, rm } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { lstatIfAny } from '../src/bind/identity.ts'
import { dial } from '../src/dial/dial.ts'
import type { Stage } from './scenario.ts'
import type { WayName } from './ways.ts'
import { within } from './within.ts'

const MODE = 0o660
const PERMISSIONS = 0o777
const ANSWER_MS = 10_000

/** The mode that a socket has where none is asked for: the others leave that to the umask (022), and are not blamed for it. */
export function usualMode(way: WayName): number {
  return way === 'protocol' ? MODE : 0o755
}

/** After a round: one owner alone, its socket at the path with the right mode, answering, and nothing besides. */
export async function judgeOwner(stage: Stage, mode = MODE): Promise<void> {
  const { pool, path, tally } = stage
  const [owner, ...others] = pool.owners
  tally.violation('two_owners', others.length)
  if (owner === undefined) return tally.violation('no_owner')
  tally.count(`owned by ${owner.lock}`)
  const stats = await lstatIfAny(path)
  if (stats === undefined) return tally.violation('path_missing')
  if ((Number(stats.mode) & PERMISSIONS) !== mode) tally.violation('wrong_mode')
  if ((await answerAt(path)) !== String(owner.pid)) tally.violation('wrong_owner_answers')
  await judgeDirectory(stage)
}

/** Only the socket and its lock file are there. */
async function judgeDirectory({ directory, tally }: Stage): Promise<void> {
  const strange = (await readdir(directory)).filter((name) => name !== 's' && name !== 's.lock')
  tally.violation('left_behind', strange.length)
}

/** What the server at `path` says; its pid if it is one of ours. */
export async function answerAt(path: string): Promise<string> {
  try {
    const socket = await dial({ kind: 'unix', path })
    return await within(ANSWER_MS, 'an owner answers', text(socket.end()))
  } catch (error) {
    return `nothing: ${(error as Error).message}`
  }
}

/** Ends the round: nobody owns anything, and the directory is empty but for the lock file. */
export async function clear({ pool, path, tally }: Stage): Promise<void> {
  await pool.stopAll()
  await rm(path, { force: true })
  tally.endRound()
}

import { readdir, rm } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { lstatIfAny } from '../src/bind/identity.ts'
import { dial } from '../src/dial/dial.ts'
import type { Stage } from './scenario.ts'
import type { WayName } from './ways.ts'
import { within } from './within.ts'

const MODE = 0o660
const PERMISSIONS = 0o777
const RESPONSE_MS = 10_000

/** The default mode of a socket. The naive ways leave it to the umask (022); that is no violation. */
export function usualMode(way: WayName): number {
  return way === 'protocol' ? MODE : 0o755
}

/** After a round: exactly one owner, its socket at the path with the right mode, accepting, and no other files. */
export async function judgeOwner(stage: Stage, mode = MODE): Promise<void> {
  const { pool, path, tally } = stage
  const [owner, ...others] = pool.owners
  tally.violation('two_owners', others.length)
  if (owner === undefined) return tally.violation('no_owner')
  tally.count(`owned by ${owner.lock}`)
  const stats = await lstatIfAny(path)
  if (stats === undefined) return tally.violation('path_missing')
  if ((Number(stats.mode) & PERMISSIONS) !== mode) tally.violation('wrong_mode')
  if ((await textAt(path)) !== String(owner.pid)) tally.violation('wrong_owner_responds')
  await judgeDirectory(stage)
}

/** The directory has only the socket and its lock file. */
async function judgeDirectory({ directory, tally }: Stage): Promise<void> {
  const strange = (await readdir(directory)).filter((name) => name !== 's' && name !== 's.lock')
  tally.violation('left_behind', strange.length)
}

/** What the server at `path` sends: its pid if it is one of our starters. */
export async function textAt(path: string): Promise<string> {
  try {
    const socket = await dial({ kind: 'unix', path })
    return await within(RESPONSE_MS, 'an owner responds', text(socket.end()))
  } catch (error) {
    return `nothing: ${(error as Error).message}`
  }
}

/** Ends the round: nobody owns the path, and only the lock file is left. */
export async function clear({ pool, path, tally }: Stage): Promise<void> {
  await pool.stopAll()
  await rm(path, { force: true })
  tally.endRound()
}

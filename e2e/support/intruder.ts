import type { Insider } from './inside.ts'

/** What an intruder met: how often it got in, and each errno that kept it out. */
export interface Intrusion {
  readonly attempts: number
  /** How many of them were made at the staged socket. */
  readonly whileStaged: number
  /** How many sockets stood at the path, one after the other. */
  readonly sockets: number
  readonly gotIn: number
  readonly keptOutBy: string[]
}

/** The starter makes this file beside the socket when it is done. */
export const DONE = 'done'

/** The intruder's own volume. The length of a file in it is the number of rounds that the intruder has made. */
export const PROGRESS = '/run/progress'
const ROUNDS = `${PROGRESS}/rounds`

/** Rounds that `untilTried` waits for: the first may have begun before, three are whole. */
const ENOUGH_ROUNDS = 4

/**
 * Connects again and again to a socket and to whatever is staged beside it, until {@link DONE} is there. Each
 * round is counted at {@link PROGRESS}, so that a start can stop at a step until the intruder has tried.
 */
export function intrude(intruder: Insider, path: string): Promise<Intrusion> {
  return intruder.inside(
    async (path, done, rounds) => {
      const { existsSync, ftruncateSync, lstatSync, openSync, readdirSync } = await import('node:fs')
      const { connect } = await import('node:net')
      const directory = path.slice(0, path.lastIndexOf('/'))
      const tally = { attempts: 0, whileStaged: 0, gotIn: 0 }
      const inodes = new Set<bigint>()
      const keptOutBy = new Set<string>()
      const progress = openSync(rounds, 'w')
      let round = 0
      const attempt = async (target: string) => {
        const socket = connect(target)
        const { promise, resolve } = Promise.withResolvers<string | undefined>()
        socket
          .once('connect', () => resolve(undefined))
          .once('error', (e: NodeJS.ErrnoException) => resolve(e.code))
        const errno = await promise
        socket.destroy()
        tally.attempts += 1
        if (errno === undefined) tally.gotIn += 1
        else keptOutBy.add(errno)
      }
      while (!existsSync(`${directory}/${done}`)) {
        await attempt(path)
        const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
        if (stats !== undefined) inodes.add(stats.ino)
        for (const name of readdirSync(directory)) {
          if (!name.startsWith('.~')) continue
          await attempt(`${directory}/${name}/s`)
          tally.whileStaged += 1
        }
        ftruncateSync(progress, ++round)
      }
      return { ...tally, sockets: inodes.size, keptOutBy: [...keptOutBy].sort() }
    },
    path,
    DONE,
    ROUNDS,
  )
}

/** A module for the starter and its apps: `untilTried()` waits for the intruder. */
export const UNTIL_TRIED = `data:text/javascript,${encodeURIComponent(`
import { statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
const rounds = () => statSync('${ROUNDS}', { throwIfNoEntry: false })?.size ?? 0
export async function untilTried() {
  const enough = rounds() + ${ENOUGH_ROUNDS}
  while (rounds() < enough) await pause(1)
}
`)}`

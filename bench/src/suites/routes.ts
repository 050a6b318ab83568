import type { Candidate } from '../candidates/candidate.ts'
import { sidecar, withRoutes } from '../candidates/sidecar.ts'
import { start } from '../candidates/start.ts'
import { type Ground, startGround } from '../ground/ground.ts'
import { untilAccepting } from '../process/until.ts'
import type { Settings } from '../settings.ts'
import { measureRound } from './measure-round.ts'

const COUNTS = [1, 10, 100] as const
const LOAD = { bytes: 11_264, connections: 32, close: false, ratePerSecond: null } as const
const FIRST_PORT = 11_000
const SECONDS = 1

export interface Routes {
  readonly routes: number
  /** From the start of the process until the last route accepts. */
  readonly acceptingMs: number
  /** Resident, before any request. */
  readonly rssBytes: number
  /** With all of the load on one of the routes. */
  readonly cpuUsPerRequest: number
}

/** What more routes cost: to start, to hold, and on the way of a request. */
export async function routes({ rounds }: Settings): Promise<Routes[]> {
  await using ground = await startGround()
  const all: Routes[] = []
  for (let round = 0; round < rounds; round++)
    for (const count of COUNTS) all.push(await measure(ground, count))
  return all
}

async function measure(ground: Ground, count: number): Promise<Routes> {
  const begun = performance.now()
  await using running = await start(withCount(count), ground, FIRST_PORT)
  await untilAccepting({ host: '127.0.0.1', port: FIRST_PORT + count - 1 })
  const acceptingMs = performance.now() - begun
  const { rssBytes } = running.usage()
  await measureRound(running, LOAD, SECONDS)
  const { cpuUsPerRequest } = await measureRound(running, LOAD, SECONDS)
  return { routes: count, acceptingMs, rssBytes, cpuUsPerRequest }
}

function withCount(count: number): Candidate {
  const program: Candidate['program'] = (where) =>
    withRoutes(where, { kind: 'http', allow: ['GET /bytes/*'] }, count)
  return { ...sidecar, program }
}

import { setTimeout as pause } from 'node:timers/promises'
import type { Candidate } from '../candidates/candidate.ts'
import { nginx } from '../candidates/nginx.ts'
import { sidecar, withRoute } from '../candidates/sidecar.ts'
import { start } from '../candidates/start.ts'
import { type Ground, startGround } from '../ground/ground.ts'
import { idleConnections } from '../process/idle-connections.ts'
import type { Settings } from '../settings.ts'
import { measureRound } from './measure-round.ts'

const COUNTS = [10, 100, 1_000, 10_000] as const
const LIVE = { bytes: 11_264, connections: 10, close: false, ratePerSecond: 500 } as const
const PORT = 10_080
const SETTLE_MS = 500
/** Of live traffic: a p99 of fewer requests is that of three of them. */
const LIVE_SECONDS = 4

export interface Idle {
  readonly candidate: string
  readonly connections: number
  readonly bytesPerConnection: number
  /** Of live traffic meanwhile, at a constant rate. */
  readonly p50Us: number
  readonly p99Us: number
  readonly failures: number
}

/** As it comes, but for the bound on connections of one address, which 10,000 from here would meet. */
const roomy: Candidate = {
  ...sidecar,
  program: (where) =>
    withRoute(where, {
      kind: 'http',
      allow: ['GET /bytes/*'],
      limits: { connections: 15_000, connectionsPerAddress: 15_000 },
    }),
}

/** What connections that say nothing cost, and whether they are in the way of those that do. */
export async function idle({ rounds }: Settings): Promise<Idle[]> {
  await using ground = await startGround()
  const all: Idle[] = []
  for (let round = 0; round < rounds; round++)
    for (const connections of COUNTS)
      for (const candidate of [roomy, nginx]) all.push(await measure(candidate, ground, connections))
  return all
}

async function measure(candidate: Candidate, ground: Ground, connections: number): Promise<Idle> {
  await using running = await start(candidate, ground, PORT)
  await measureRound(running, { ...LIVE, ratePerSecond: null }, 1)
  await pause(SETTLE_MS)
  const before = running.usage().rssBytes
  using _idle = await idleConnections(running.port, connections)
  await pause(SETTLE_MS)
  const bytesPerConnection = (running.usage().rssBytes - before) / connections
  const { p50Us, p99Us, failures } = await measureRound(running, LIVE, LIVE_SECONDS)
  return { candidate: candidate.name, connections, bytesPerConnection, p50Us, p99Us, failures }
}

import { setTimeout as pause } from 'node:timers/promises'
import { spreadOf } from '@uds-sidecar/client/statistics'
import { type Candidate, nginx, sidecar, withRoute } from '../candidates.ts'
import { idleConnections } from '../connections.ts'
import { type Ground, start, startGround } from '../ground.ts'
import { measureRound } from '../load.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const COUNTS = [10, 100, 1_000, 10_000] as const
const LIVE = { bytes: 11_264, connections: 10, close: false, ratePerSecond: 500 } as const
const PORT = 10_080
const SETTLE_MS = 500
/** 2,000 requests: enough for a p99 that does not depend on two or three of them. */
const LIVE_SECONDS = 4

export interface Idle {
  readonly candidate: string
  readonly connections: number
  readonly bytesPerConnection: number
  /** Of live traffic at the same time, at a constant rate. */
  readonly p50Us: number
  readonly p99Us: number
  readonly failures: number
}

/** All defaults except the limits on connections: 10,000 connections from one address would exceed them. */
const roomy: Candidate = {
  ...sidecar,
  program: (where) =>
    withRoute(where, {
      kind: 'http',
      allow: ['GET /bytes/*'],
      limits: { connections: 15_000, connectionsPerAddress: 15_000 },
    }),
}

/** What idle connections cost, and whether they slow down other clients. */
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

export function idleSection(): Section | null {
  const rows = resultOf<Idle[]>('idle')?.result
  if (rows === undefined) return null
  const groups = Map.groupBy(rows, ({ candidate, connections }) => `${candidate}, ${connections}`)
  const cells = [...groups].map(([name, all]) => [
    name,
    ...(['bytesPerConnection', 'p50Us', 'p99Us', 'failures'] as const).map((key) =>
      showSpread(spreadOf(all.map((one) => one[key]))),
    ),
  ])
  const head = ['idle connections', 'resident bytes each', 'live p50 µs', 'live p99 µs', 'failures']
  const how =
    'Live traffic at the same time: 500 requests/s of 11 KiB over 10 more connections. Memory is the growth of the resident set: 0 means that the process had reserved enough before.'
  return section('Idle connections', [how, markdownTable(head, cells)])
}

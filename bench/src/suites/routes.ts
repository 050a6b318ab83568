import { spreadOf } from '@uds-sidecar/client/statistics'
import { type Candidate, sidecar, withRoutes } from '../candidates.ts'
import { untilAccepting } from '../connections.ts'
import { type Ground, start, startGround } from '../ground.ts'
import { measureRound } from '../load.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const COUNTS = [1, 10, 100] as const
const LOAD = { bytes: 11_264, connections: 32, close: false, ratePerSecond: null } as const
const FIRST_PORT = 11_000
const SECONDS = 1

export interface Routes {
  readonly routes: number
  /** From the start of the process until the last route accepts. */
  readonly acceptingMs: number
  /** Resident memory before any request. */
  readonly rssBytes: number
  /** With all of the load on one of the routes. */
  readonly cpuUsPerRequest: number
}

/** What more routes cost: at the start, in memory, and per request. */
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

export function routesSection(): Section | null {
  const rows = resultOf<Routes[]>('routes')?.result
  if (rows === undefined) return null
  const cells = [...Map.groupBy(rows, (row) => row.routes)].map(([count, all]) => [
    `${count}`,
    showSpread(spreadOf(all.map(({ acceptingMs }) => acceptingMs))),
    showSpread(spreadOf(all.map(({ rssBytes }) => rssBytes / 2 ** 20))),
    showSpread(spreadOf(all.map(({ cpuUsPerRequest }) => cpuUsPerRequest))),
  ])
  const how = 'Each route has its own port. One of them has the load: 32 connections, 11 KiB bodies.'
  const head = ['routes', 'ms until all accept', 'memory then, MiB', 'CPU µs/request']
  return section('Routes', [how, markdownTable(head, cells)])
}

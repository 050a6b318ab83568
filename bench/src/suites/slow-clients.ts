import { setTimeout as pause } from 'node:timers/promises'
import { spreadOf } from '@uds-sidecar/client/statistics'
import { type Candidate, nginx, sidecar, withRoute } from '../candidates.ts'
import { slowConnections } from '../connections.ts'
import { type Ground, LARGE_BODY, pathOf, start, startGround } from '../ground.ts'
import { measureRound } from '../load.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

/** Slow clients of the address that the live traffic comes from, and of another address. */
const OWN = 63
const OTHERS = 1_024
export const SLOW_CLIENTS = OWN + OTHERS
const LIVE = { bytes: 11_264, connections: 10, close: false, ratePerSecond: 500 } as const
const PORT = 10_090
const LIVE_SECONDS = 4
/** Time for requests that wait for an upstream connection to get one. */
const SETTLE_MS = 3_000

/** What a slow client sends. After that it sends nothing and reads nothing. */
const REQUESTS = {
  none: null,
  'one byte of a body': 'POST /bytes/4 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx',
  'a response that is not read': `GET ${pathOf(LARGE_BODY)} HTTP/1.1\r\nHost: a\r\n\r\n`,
} as const

export interface SlowClients {
  readonly candidate: string
  readonly slow: string
  readonly p50Us: number
  readonly p99Us: number
  readonly failures: number
  readonly rssBytes: number
}

/** All limits at their defaults; POST is allowed too. */
const withPost: Candidate = {
  ...sidecar,
  program: (where) => withRoute(where, { kind: 'http', allow: ['GET|POST /bytes/*'] }),
}

/** Whether good clients notice 1,024 slow clients of another address and 63 of their own address. */
export async function slowClients({ rounds }: Settings): Promise<SlowClients[]> {
  await using ground = await startGround()
  const all: SlowClients[] = []
  for (let round = 0; round < rounds; round++)
    for (const candidate of [withPost, nginx])
      for (const [slow, request] of Object.entries(REQUESTS))
        all.push(await measure(candidate, ground, slow, request))
  return all
}

async function measure(
  candidate: Candidate,
  ground: Ground,
  slow: string,
  request: string | null,
): Promise<SlowClients> {
  await using running = await start(candidate, ground, PORT)
  await measureRound(running, { ...LIVE, ratePerSecond: null }, 1)
  using _own = await slowConnections(PORT, request === null ? 0 : OWN, '127.0.0.1', request ?? '')
  using _others = await slowConnections(PORT, request === null ? 0 : OTHERS, '127.0.0.2', request ?? '')
  await pause(SETTLE_MS)
  const { p50Us, p99Us, failures, rssBytes } = await measureRound(running, LIVE, LIVE_SECONDS)
  return { candidate: candidate.name, slow, p50Us, p99Us, failures, rssBytes }
}

export function slowClientsSection(): Section | null {
  const rows = resultOf<SlowClients[]>('slow-clients')?.result
  if (rows === undefined) return null
  const groups = Map.groupBy(rows, ({ candidate, slow }) => `${candidate}, ${slow}`)
  const cells = [...groups].map(([name, all]) => [
    name,
    ...(['p50Us', 'p99Us', 'failures'] as const).map((key) =>
      showSpread(spreadOf(all.map((one) => one[key]))),
    ),
    showSpread(spreadOf(all.map(({ rssBytes }) => rssBytes / 2 ** 20))),
  ])
  const head = ['slow clients', 'live p50 µs', 'live p99 µs', 'failures', 'memory MiB']
  const how =
    'Live traffic: 500 requests/s of 11 KiB over 10 connections, while 1,024 slow clients of another address and 63 of the same address are connected. All limits are at their defaults. nginx refuses the POST at once here, so it has no body to wait for.'
  return section('Slow clients', [how, markdownTable(head, cells)])
}

import { setTimeout as pause } from 'node:timers/promises'
import type { Candidate } from '../candidates/candidate.ts'
import { nginx } from '../candidates/nginx.ts'
import { sidecar, withRoute } from '../candidates/sidecar.ts'
import { start } from '../candidates/start.ts'
import { type Ground, LARGE_BODY, pathOf, startGround } from '../ground/ground.ts'
import { slowConnections } from '../process/slow-connections.ts'
import type { Settings } from '../settings.ts'
import { measureRound } from './measure-round.ts'

/** Of one address: few, and as many as its limit of connections lets in. */
const OWN = 63
const OTHERS = 1_024
const LIVE = { bytes: 11_264, connections: 10, close: false, ratePerSecond: 500 } as const
const PORT = 10_090
const LIVE_SECONDS = 4
/** For those that wait for an upstream connection to have had their turn. */
const SETTLE_MS = 3_000

/** What the slow ones send, and then nothing more; nor do they read. */
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

/** At its default limits, but for a method and a path that are allowed. */
const asItComes: Candidate = {
  ...sidecar,
  program: (where) => withRoute(where, { kind: 'http', allow: ['GET|POST /bytes/*'] }),
}

/** Whether good clients notice 1,024 slow ones of another address and 63 of their own. */
export async function slowClients({ rounds }: Settings): Promise<SlowClients[]> {
  await using ground = await startGround()
  const all: SlowClients[] = []
  for (let round = 0; round < rounds; round++)
    for (const candidate of [asItComes, nginx])
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

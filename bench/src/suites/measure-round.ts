import { setTimeout as pause } from 'node:timers/promises'
import type { Running } from '../candidates/start.ts'
import type { LoadShape, Round } from '../figure.ts'
import { pathOf } from '../ground/ground.ts'
import { constantRate } from '../load/constant-rate.ts'
import { type Seen, wrk } from '../load/wrk.ts'

/** For the last of its processes to end, where it forks. */
const SETTLE_MS = 20

/** One load on one candidate, while the others stand idle. */
export async function measureRound(running: Running, load: LoadShape, seconds: number): Promise<Round> {
  const before = running.usage().cpuUs
  const [seen, rssBytes] = await Promise.all([
    generate(running.port, load, seconds),
    residentAfter(running, seconds / 2),
  ])
  await pause(SETTLE_MS)
  if (seen.requests === 0) throw new Error(`${running.candidate.name} answered nothing`)
  const cpuUs = running.usage().cpuUs - before
  return { ...seen, cpuUsPerRequest: cpuUs / seen.requests, rssBytes }
}

function generate(port: number, load: LoadShape, seconds: number): Promise<Seen> {
  const { ratePerSecond } = load
  const what = { ...load, port, seconds, path: pathOf(load.bytes) }
  return ratePerSecond === null ? wrk(what) : constantRate({ ...what, ratePerSecond })
}

async function residentAfter(running: Running, seconds: number): Promise<number> {
  await pause(seconds * 1_000)
  return running.usage().rssBytes
}

import { fileURLToPath } from 'node:url'
import { withRoute } from '../candidates/sidecar.ts'
import { startProgram } from '../candidates/start.ts'
import { answers, untilAnswered } from '../process/answer.ts'
import { CANDIDATE_CPU } from '../process/pin.ts'
import { Started } from '../process/started.ts'
import { untilAccepting } from '../process/until.ts'
import { usageOf } from '../process/usage.ts'
import type { Settings } from '../settings.ts'

const PROGRAM = fileURLToPath(new URL('../programs/series.ts', import.meta.url))
const DIRECTORY = '/run/bench/exposition'
const PORT = 10_070

export interface Exposition {
  readonly series: number
  readonly scrapers: number
  /** From the first request to the last answer, each time that all scrapers asked at once. */
  readonly ms: number[]
  /** Of the app and of the sidecar, for one such time. */
  readonly cpuMs: number[]
}

/** Scrapers that ask at the same time. */
export async function exposition({ rounds }: Settings): Promise<Exposition[]> {
  const all: Exposition[] = []
  for (const series of [100, 1_000, 10_000]) all.push(...(await measure(series, rounds)))
  return all
}

async function measure(series: number, rounds: number): Promise<Exposition[]> {
  const socket = `${DIRECTORY}/${series}.sock` // one that was left behind would be in the way
  await using sidecar = startProgram(
    withRoute({ port: PORT, socket, directory: DIRECTORY }, { kind: 'http' }),
    DIRECTORY,
  )
  await using app = new Started([process.execPath, PROGRAM, socket, `${series}`], CANDIDATE_CPU)
  await untilAccepting({ path: socket })
  for (let i = 0; i < 5; i++) await untilAnswered({ port: PORT }, '/metrics')
  const cpuMs = () => (usageOf(app.pid).cpuUs + usageOf(sidecar.pid).cpuUs) / 1_000
  const all = [1, 2, 10].map((scrapers): Exposition => ({ series, scrapers, ms: [], cpuMs: [] }))
  for (let round = 0; round < rounds; round++) for (const one of all) await scrape(one, cpuMs)
  return all
}

async function scrape({ scrapers, ms, cpuMs }: Exposition, cpuUsed: () => number): Promise<void> {
  const [begun, used] = [performance.now(), cpuUsed()]
  const all = await Promise.all(Array.from({ length: scrapers }, () => answers({ port: PORT }, '/metrics')))
  if (all.includes(false)) throw new Error('a scrape failed')
  ms.push(performance.now() - begun)
  cpuMs.push(cpuUsed() - used)
}

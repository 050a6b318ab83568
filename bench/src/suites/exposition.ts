import { fileURLToPath } from 'node:url'
import { spreadOf } from '@uds-sidecar/client/statistics'
import { withRoute } from '../candidates.ts'
import { responds, untilAccepting, untilResponding } from '../connections.ts'
import { startProgram } from '../ground.ts'
import { markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { CANDIDATE_CPU, Started } from '../processes.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'
import { usageOf } from '../usage.ts'

const PROGRAM = fileURLToPath(new URL('../programs/series.ts', import.meta.url))
const DIRECTORY = '/run/bench/exposition'
const PORT = 10_070

export interface Exposition {
  readonly series: number
  readonly scrapers: number
  /** From the first request to the last response, for each time that all scrapers asked at once. */
  readonly ms: number[]
  /** CPU time of app and sidecar together, for each such time. */
  readonly cpuMs: number[]
}

/** The cost of scrapers that ask at the same time. */
export async function exposition({ rounds }: Settings): Promise<Exposition[]> {
  const all: Exposition[] = []
  for (const series of [100, 1_000, 10_000]) all.push(...(await measure(series, rounds)))
  return all
}

async function measure(series: number, rounds: number): Promise<Exposition[]> {
  const socket = `${DIRECTORY}/${series}.sock` // one path per size: a stale socket would be in the way
  await using sidecar = startProgram(
    withRoute({ port: PORT, socket, directory: DIRECTORY }, { kind: 'http' }),
    DIRECTORY,
  )
  await using app = new Started([process.execPath, PROGRAM, socket, `${series}`], CANDIDATE_CPU)
  await untilAccepting({ path: socket })
  for (let i = 0; i < 5; i++) await untilResponding({ port: PORT }, '/metrics')
  const cpuMs = () => (usageOf(app.pid).cpuUs + usageOf(sidecar.pid).cpuUs) / 1_000
  const all = [1, 2, 10].map((scrapers): Exposition => ({ series, scrapers, ms: [], cpuMs: [] }))
  for (let round = 0; round < rounds; round++) for (const one of all) await scrape(one, cpuMs)
  return all
}

async function scrape({ scrapers, ms, cpuMs }: Exposition, cpuUsed: () => number): Promise<void> {
  const [begun, used] = [performance.now(), cpuUsed()]
  const all = await Promise.all(Array.from({ length: scrapers }, () => responds({ port: PORT }, '/metrics')))
  if (all.includes(false)) throw new Error('a scrape failed')
  ms.push(performance.now() - begun)
  cpuMs.push(cpuUsed() - used)
}

export function expositionSection(): Section | null {
  const rows = resultOf<Exposition[]>('exposition')?.result
  if (rows === undefined) return null
  const cells = rows.map(({ series, scrapers, ms, cpuMs }) => [
    `${series} series, ${scrapers} scraper(s)`,
    showSpread(spreadOf(ms)),
    showSpread(spreadOf(cpuMs)),
  ])
  const how =
    'All scrapers send their request at the same time. The app renders with prom-client. CPU is that of app and sidecar together.'
  return section('Scrapes', [how, markdownTable(['', 'ms to the last response', 'CPU ms'], cells)])
}

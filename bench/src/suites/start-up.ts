import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { spreadOf } from '@uds-sidecar/client/statistics'
import { sidecar } from '../candidates.ts'
import { type Server, untilAccepting, untilResponding } from '../connections.ts'
import { type Ground, pathOf, startGround, startProgram } from '../ground.ts'
import { barChart } from '../page/bar-chart.ts'
import { digits, markdownTable, type Section, section, showSpread } from '../page/markdown.ts'
import { appEnv, CANDIDATE_CPU, mainOf, runToEnd, Started, sourceOf } from '../processes.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const RUNS_PER_ROUND = 4
const PORT = 10_090

/** What the images start, then the same programs from their sources, without a bundle. */
const PROGRAMS = [
  emptyProgram,
  () => clientVersion('client', mainOf('client')),
  (ground: Ground) => sidecarStart('sidecar', mainOf('sidecar'), ground),
  (ground: Ground) => appStart('app', mainOf('app'), ground),
  () => clientVersion('client from sources', sourceOf('client')),
  (ground: Ground) => sidecarStart('sidecar from sources', sourceOf('sidecar'), ground),
  (ground: Ground) => appStart('app from sources', sourceOf('app'), ground),
]

/** Milliseconds from the start of a process to the named event, one number for each run. */
export type StartTimes = Record<string, number[]>

/** All programs in turn, with warm compile caches: the first run of each is not counted. */
export async function startUp({ rounds }: Settings): Promise<StartTimes> {
  await using ground = await startGround()
  const times: StartTimes = {}
  for (let run = 0; run <= rounds * RUNS_PER_ROUND; run++)
    for (const one of PROGRAMS) {
      const measured = await one(ground)
      if (run > 0) keep(times, measured)
    }
  return times
}

function keep(times: StartTimes, measured: Readonly<Record<string, number>>): void {
  for (const [name, ms] of Object.entries(measured)) times[name] = [...(times[name] ?? []), ms]
}

export const EMPTY = 'empty Node program: ended'

async function emptyProgram() {
  const empty = fileURLToPath(new URL('../programs/empty.js', import.meta.url))
  return { [EMPTY]: await untilEnd([empty]) }
}

async function clientVersion(name: string, main: string) {
  return { [`${name} --version: ended`]: await untilEnd([main, '--version']) }
}

async function untilEnd(command: readonly string[]): Promise<number> {
  const start = performance.now()
  await runToEnd([process.execPath, ...command], CANDIDATE_CPU)
  return performance.now() - start
}

async function sidecarStart(name: string, main: string, ground: Ground) {
  const directory = `${ground.directory}/start-up`
  const program = sidecar.program?.({ port: PORT, socket: ground.socket, directory })
  if (program === undefined) throw new Error('the sidecar candidate has no program')
  const launch = () => startProgram({ ...program, command: [process.execPath, main] }, directory)
  return await timed(name, launch, { port: PORT }, pathOf(4))
}

async function appStart(name: string, main: string, { directory }: Ground) {
  const home = `${directory}/app`
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const launch = () => new Started([process.execPath, main], CANDIDATE_CPU, appEnv(home))
  return await timed(name, launch, { socketPath: `${home}/api.sock` }, '/-/healthy')
}

async function timed(name: string, launch: () => Started, server: Server, path: string) {
  const start = performance.now()
  await using _started = launch()
  await untilAccepting('port' in server ? { ...server, host: '127.0.0.1' } : { path: server.socketPath })
  const accepting = performance.now() - start
  await untilResponding(server, path)
  return { [`${name}: accepting`]: accepting, [`${name}: first response`]: performance.now() - start }
}

export function startUpSection(): Section | null {
  const measured = resultOf<StartTimes>('start-up')
  if (measured === null) return null
  const empty = spreadOf(measured.result[EMPTY] ?? []).median
  const spreads = Object.entries(measured.result).map(([label, times]) => ({
    label,
    spread: spreadOf(times),
  }))
  const rows = spreads.map(({ label, spread }) => [label, showSpread(spread), digits(spread.median - empty)])
  const bars = spreads.map((one) => ({
    ...one,
    label: one.label.replace('empty Node program', 'empty'),
    isOurs: one.label !== EMPTY && !one.label.includes('from sources'),
  }))
  const charts = { 'start-up.svg': barChart('Milliseconds from the start of the process', bars) }
  return section(
    'Start-up',
    [
      'With warm compile caches, on one processor.',
      markdownTable(['', 'ms', 'over the empty program'], rows),
    ],
    charts,
  )
}

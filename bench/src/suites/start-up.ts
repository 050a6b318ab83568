import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { sidecar } from '../candidates/sidecar.ts'
import { startProgram } from '../candidates/start.ts'
import { type Ground, pathOf, startGround } from '../ground/ground.ts'
import { untilAnswered, type Where } from '../process/answer.ts'
import { CANDIDATE_CPU } from '../process/pin.ts'
import { runToEnd } from '../process/run-to-end.ts'
import { Started } from '../process/started.ts'
import { untilAccepting } from '../process/until.ts'
import { appEnv, mainOf, sourceOf } from '../programs.ts'
import type { Settings } from '../settings.ts'

const RUNS_PER_ROUND = 4
const PORT = 10_090

/** Under the name of each what the images start; then the same as sources, without a bundle. */
const PROGRAMS = [
  emptyProgram,
  () => clientVersion('client', mainOf('client')),
  (ground: Ground) => sidecarStart('sidecar', mainOf('sidecar'), ground),
  (ground: Ground) => appStart('app', mainOf('app'), ground),
  () => clientVersion('client from sources', sourceOf('client')),
  (ground: Ground) => sidecarStart('sidecar from sources', sourceOf('sidecar'), ground),
  (ground: Ground) => appStart('app from sources', sourceOf('app'), ground),
]

/** Milliseconds from the start of a process to what is named, one number a run. */
export type StartTimes = Record<string, number[]>

/** Programs in turn, with warm compile caches: the first run of each is not counted. */
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

async function emptyProgram() {
  const empty = fileURLToPath(new URL('../programs/empty.js', import.meta.url))
  return { 'empty Node program: ended': await untilEnd([empty]) }
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
  if (program === undefined) throw new Error('there is a sidecar to start')
  const launch = () => startProgram({ ...program, command: [process.execPath, main] }, directory)
  return await timed(name, launch, { port: PORT }, pathOf(4))
}

async function appStart(name: string, main: string, { directory }: Ground) {
  const home = `${directory}/app`
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const launch = () => new Started([process.execPath, main], CANDIDATE_CPU, appEnv(home))
  return await timed(name, launch, { socketPath: `${home}/api.sock` }, '/-/healthy')
}

async function timed(name: string, launch: () => Started, where: Where, path: string) {
  const start = performance.now()
  await using _started = launch()
  await untilAccepting('port' in where ? { ...where, host: '127.0.0.1' } : { path: where.socketPath })
  const accepting = performance.now() - start
  await untilAnswered(where, path)
  return { [`${name}: accepting`]: accepting, [`${name}: first answer`]: performance.now() - start }
}

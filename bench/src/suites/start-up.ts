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
import { appEnv, mainOf } from '../programs.ts'
import type { Settings } from '../settings.ts'

const RUNS_PER_ROUND = 4
const PORT = 10_090

/** Milliseconds from the start of a process to what is named, one number a run. */
export type StartTimes = Record<string, number[]>

/** Programs in turn, with warm compile caches: the first run of each is not counted. */
export async function startUp({ rounds }: Settings): Promise<StartTimes> {
  await using ground = await startGround()
  const times: StartTimes = {}
  for (let run = 0; run <= rounds * RUNS_PER_ROUND; run++)
    for (const one of [emptyProgram, clientVersion, sidecarStart, appStart]) {
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

async function clientVersion() {
  return { 'client --version: ended': await untilEnd([mainOf('client'), '--version']) }
}

async function untilEnd(command: readonly string[]): Promise<number> {
  const start = performance.now()
  await runToEnd([process.execPath, ...command], CANDIDATE_CPU)
  return performance.now() - start
}

async function sidecarStart(ground: Ground) {
  const directory = `${ground.directory}/start-up`
  const program = sidecar.program?.({ port: PORT, socket: ground.socket, directory })
  if (program === undefined) throw new Error('there is a sidecar to start')
  return await timed('sidecar', () => startProgram(program, directory), { port: PORT }, pathOf(4))
}

async function appStart({ directory }: Ground) {
  const home = `${directory}/app`
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const launch = () => new Started([process.execPath, mainOf('app')], CANDIDATE_CPU, appEnv(home))
  return await timed('app', launch, { socketPath: `${home}/api.sock` }, '/-/healthy')
}

async function timed(name: string, launch: () => Started, where: Where, path: string) {
  const start = performance.now()
  await using _started = launch()
  await untilAccepting('port' in where ? { ...where, host: '127.0.0.1' } : { path: where.socketPath })
  const accepting = performance.now() - start
  await untilAnswered(where, path)
  return { [`${name}: accepting`]: accepting, [`${name}: first answer`]: performance.now() - start }
}

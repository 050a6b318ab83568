import { mkdirSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { percentile } from '@uds-sidecar/client/statistics'
import { sidecar } from '../candidates.ts'
import { responds, type Server, untilResponding } from '../connections.ts'
import type { EngineRestart } from '../engine/engine-restart.ts'
import { pathOf, startGround, startProgram } from '../ground.ts'
import { digits, markdownTable, type Section, section } from '../page/markdown.ts'
import { appEnv, CANDIDATE_CPU, mainOf, Started } from '../processes.ts'
import { resultOf } from '../results.ts'
import type { Settings } from '../settings.ts'

const RUNS = 50
const PORT = 10_095
const HEALTHY = '/-/healthy'

export interface Restart {
  /** From SIGKILL to the first 200; the process is started again at once. */
  readonly sidecarCrashMs: number[]
  readonly appCrashMs: number[]
  /** The longest time without a 200 while another app takes the sockets over. */
  readonly takeoverGapMs: number[]
  readonly takeoverRequests: number
  readonly takeoverFailures: number
}

/** A fixed number of runs: the worst of them matters, and more rounds would change it. */
export async function restart(_settings: Settings): Promise<Restart> {
  await using ground = await startGround()
  const directory = `${ground.directory}/restart`
  const program = sidecar.program?.({ port: PORT, socket: ground.socket, directory })
  if (program === undefined) throw new Error('the sidecar candidate has no program')
  const sidecarCrashMs = await crashes(() => startProgram(program, directory), { port: PORT }, pathOf(4))
  const home = emptyDirectory(`${ground.directory}/app`)
  const server = { socketPath: `${home}/api.sock` }
  const appCrashMs = await crashes(() => startApp(home), server, HEALTHY)
  return { sidecarCrashMs, appCrashMs, ...(await takeovers(home, server)) }
}

function startApp(home: string): Started {
  const env = { ...appEnv(home), APP_ON_CONFLICT: 'takeover' }
  return new Started([process.execPath, mainOf('app')], CANDIDATE_CPU, env)
}

async function crashes(launch: () => Started, server: Server, path: string): Promise<number[]> {
  const times: number[] = []
  let running = launch()
  await untilResponding(server, path)
  for (let run = 0; run < RUNS; run++) {
    const begun = performance.now()
    await running.kill()
    running = launch()
    await untilResponding(server, path)
    times.push(performance.now() - begun)
  }
  await running[Symbol.asyncDispose]()
  return times
}

async function takeovers(home: string, server: Server) {
  const takeoverGapMs: number[] = []
  const seen = { requests: 0, failures: 0 }
  let running = startApp(home)
  await untilResponding(server, HEALTHY)
  for (let run = 0; run < RUNS; run++) {
    const successor = startApp(home)
    takeoverGapMs.push(await longestGap(server, () => running.isRunning, seen))
    await running[Symbol.asyncDispose]()
    running = successor
  }
  await running[Symbol.asyncDispose]()
  return { takeoverGapMs, takeoverRequests: seen.requests, takeoverFailures: seen.failures }
}

/** Sends requests over new connections until the old app has ended. */
async function longestGap(
  server: Server,
  isOldRunning: () => boolean,
  seen: { requests: number; failures: number },
) {
  let longest = 0
  let last = performance.now()
  while (isOldRunning()) {
    const isGood = await responds(server, HEALTHY)
    const now = performance.now()
    seen.requests += 1
    if (!isGood) seen.failures += 1
    else {
      longest = Math.max(longest, now - last)
      last = now
    }
    await pause(1)
  }
  return longest
}

function emptyDirectory(path: string): string {
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true, mode: 0o700 })
  return path
}

/** Name of the result file of the suite that runs outside the container, on the engine. */
export const ENGINE_RESTART = 'engine-restart'

const PERCENTS = [0, 50, 90, 100] as const
const HEAD = ['ms', 'runs', 'min', 'p50', 'p90', 'max'] as const

export function restartSection(): Section | null {
  const parts = [...onTheEngine(), ...withoutEngine()]
  return parts.length === 0 ? null : section('Restart', parts)
}

function onTheEngine(): string[] {
  const measured = resultOf<EngineRestart>(ENGINE_RESTART)?.result
  if (measured === undefined) return []
  return [
    'With a container engine: the stack of `compose.yaml`, with requests through the published port. The process in the container is killed, and the engine starts the container again after a delay of 100 ms.',
    markdownTable(HEAD, [
      row('app: SIGKILL to the first 200', measured.appCrashMs),
      row('sidecar: SIGKILL to the first 200', measured.sidecarCrashMs),
    ]),
  ]
}

function withoutEngine(): string[] {
  const measured = resultOf<Restart>('restart')?.result
  if (measured === undefined) return []
  const { takeoverRequests, takeoverFailures } = measured
  return [
    'Without an engine: the process is started again at once. In a takeover both apps share one processor, and a client sends each request over a new connection.',
    markdownTable(HEAD, [
      row('sidecar: SIGKILL to the first 200', measured.sidecarCrashMs),
      row('app: SIGKILL to the first 200', measured.appCrashMs),
      row('app: longest gap in a takeover', measured.takeoverGapMs),
    ]),
    `Takeovers: ${takeoverFailures} of ${takeoverRequests} requests failed.`,
  ]
}

function row(name: string, times: readonly number[]): string[] {
  return [name, `${times.length}`, ...PERCENTS.map((percent) => digits(percentile(times, percent)))]
}

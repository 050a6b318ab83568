import { mkdirSync, rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { sidecar } from '../candidates/sidecar.ts'
import { startProgram } from '../candidates/start.ts'
import { pathOf, startGround } from '../ground/ground.ts'
import { answers, untilAnswered, type Where } from '../process/answer.ts'
import { CANDIDATE_CPU } from '../process/pin.ts'
import { Started } from '../process/started.ts'
import { appEnv, mainOf } from '../programs.ts'
import type { Settings } from '../settings.ts'

const RUNS = 50
const PORT = 10_095
const HEALTHY = '/-/healthy'

export interface Restart {
  /** From SIGKILL to the first good answer, started again at once. */
  readonly sidecarCrashMs: number[]
  readonly appCrashMs: number[]
  /** The longest time without a good answer while another app takes the sockets over. */
  readonly takeoverGapMs: number[]
  readonly takeoverRequests: number
  readonly takeoverFailures: number
}

/** Always so many runs, for what counts of them is the worst. */
export async function restart(_settings: Settings): Promise<Restart> {
  await using ground = await startGround()
  const directory = `${ground.directory}/restart`
  const program = sidecar.program?.({ port: PORT, socket: ground.socket, directory })
  if (program === undefined) throw new Error('there is a sidecar to crash')
  const sidecarCrashMs = await crashes(() => startProgram(program, directory), { port: PORT }, pathOf(4))
  const home = emptyDirectory(`${ground.directory}/app`)
  const where = { socketPath: `${home}/api.sock` }
  const appCrashMs = await crashes(() => startApp(home), where, HEALTHY)
  return { sidecarCrashMs, appCrashMs, ...(await takeovers(home, where)) }
}

function startApp(home: string): Started {
  const env = { ...appEnv(home), APP_ON_CONFLICT: 'takeover' }
  return new Started([process.execPath, mainOf('app')], CANDIDATE_CPU, env)
}

async function crashes(launch: () => Started, where: Where, path: string): Promise<number[]> {
  const times: number[] = []
  let running = launch()
  await untilAnswered(where, path)
  for (let run = 0; run < RUNS; run++) {
    const begun = performance.now()
    await running.kill()
    running = launch()
    await untilAnswered(where, path)
    times.push(performance.now() - begun)
  }
  await running[Symbol.asyncDispose]()
  return times
}

async function takeovers(home: string, where: Where) {
  const takeoverGapMs: number[] = []
  const seen = { requests: 0, failures: 0 }
  let running = startApp(home)
  await untilAnswered(where, HEALTHY)
  for (let run = 0; run < RUNS; run++) {
    const successor = startApp(home)
    takeoverGapMs.push(await longestGap(where, () => running.isRunning, seen))
    await running[Symbol.asyncDispose]()
    running = successor
  }
  await running[Symbol.asyncDispose]()
  return { takeoverGapMs, takeoverRequests: seen.requests, takeoverFailures: seen.failures }
}

/** Asks over new connections until the old one has ended. */
async function longestGap(where: Where, goesOn: () => boolean, seen: { requests: number; failures: number }) {
  let longest = 0
  let last = performance.now()
  while (goesOn()) {
    const isGood = await answers(where, HEALTHY)
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

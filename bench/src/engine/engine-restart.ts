import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { ComposeProject } from '../../../e2e/support/compose-project.ts'
import { ContainerHandle } from '../../../e2e/support/container.ts'
import { untilResponding } from '../connections.ts'

const RUNS = 50
/** Two stacks in turn: while one is measured, the other runs long enough to be killed again. */
const FIRST_PORTS = [19_464, 19_474] as const
/** A container that ran for less than 10 s is restarted after a longer and longer delay (docker run, --restart). */
const SETTLED_MS = 10_500

export interface EngineRestart {
  /** From SIGKILL to the first 200 through the published port; the engine restarts the container. */
  readonly appCrashMs: number[]
  readonly sidecarCrashMs: number[]
}

/** Kills the processes of the stack of compose.yaml, on a real engine, as a crash would end them. */
export async function engineRestart(): Promise<EngineRestart> {
  await using stack = new AsyncDisposableStack()
  const stacks = FIRST_PORTS.map((port) => {
    const compose = new ComposeProject(`uds-sidecar-bench-${port}`, { env: publishedFrom(port) })
    stack.defer(() => compose.down())
    return { compose, port }
  })
  for (const { compose } of stacks) await compose.up('sidecar')
  const times: EngineRestart = { appCrashMs: [], sidecarCrashMs: [] }
  for (let run = 0; run < RUNS; run++) {
    const { compose, port } = stacks[run % stacks.length] as (typeof stacks)[number]
    times.appCrashMs.push(await crash(compose, 'app', port))
    times.sidecarCrashMs.push(await crash(compose, 'sidecar', port))
  }
  return times
}

function publishedFrom(port: number) {
  const [metrics, api, echo, ops] = [0, 1, 2, 3].map((i) => `${port + i}`) as [string, string, string, string]
  return { PUBLISH_METRICS: metrics, PUBLISH_API: api, PUBLISH_ECHO: echo, PUBLISH_OPS: ops }
}

async function crash(compose: ComposeProject, service: string, port: number): Promise<number> {
  const { State } = await new ContainerHandle(`${compose.name}-${service}-1`).inspect()
  await pause(Math.max(0, Date.parse(State.StartedAt) + SETTLED_MS - Date.now()))
  const begun = performance.now()
  process.kill(programOf(State.Pid), 'SIGKILL')
  await untilResponding({ port }, '/metrics')
  return performance.now() - begun
}

/** The child of the container's init. Killed directly, because the engine does not restart what it was told to kill. */
function programOf(init: number): number {
  return Number(readFileSync(`/proc/${init}/task/${init}/children`, 'latin1').trim().split(' ')[0])
}

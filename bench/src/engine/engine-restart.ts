import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { ComposeProject } from '../../../e2e/support/compose-project.ts'
import { ContainerHandle } from '../../../e2e/support/container.ts'
import { untilAnswered } from '../process/answer.ts'

const RUNS = 50
/** Taken in turn: while one has run long enough to be crashed again, the other one is measured. */
const FIRST_PORTS = [19_464, 19_474] as const
/** What has run for less is started again later and later (docker run, --restart). */
const SETTLED_MS = 10_500

export interface EngineRestart {
  /** From SIGKILL to the first good answer through the published port; the engine starts it again. */
  readonly appCrashMs: number[]
  readonly sidecarCrashMs: number[]
}

/** The stack of compose.yaml on a real engine, whose processes are killed as a crash would end them. */
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
  await untilAnswered({ port }, '/metrics')
  return performance.now() - begun
}

/** The child of the container's init: what is killed through the engine is not started again. */
function programOf(init: number): number {
  return Number(readFileSync(`/proc/${init}/task/${init}/children`, 'latin1').trim().split(' ')[0])
}

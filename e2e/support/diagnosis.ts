import type { ContainerInfo } from 'dockerode'
import { engine } from './engine.ts'
import { logOf } from './log-of.ts'

const LOG_LINES = 60

/** State and last log lines of every container of a Compose project: what one asks for first when a test fails. */
export async function diagnose(project: string): Promise<string> {
  const label = [`com.docker.compose.project=${project}`]
  const containers = await engine.listContainers({ all: true, filters: { label } })
  const parts = await Promise.all(containers.map(describe))
  return parts.join('\n')
}

async function describe({ Id, Names, State, Status }: ContainerInfo): Promise<string> {
  const log = await logOf(engine.getContainer(Id), LOG_LINES)
  return `--- ${Names.join(' ')}: ${State}, ${Status}\n${log}`
}

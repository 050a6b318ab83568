import type { Container } from 'dockerode'
import { engine } from './engine.ts'
import { logOf } from './log-of.ts'

const LOG_LINES = 60

/** State and last log lines of a container: what one asks for first when a test fails. */
export async function diagnose(container: Container): Promise<string> {
  const { Name, State } = await container.inspect()
  const state = `${State.Status}, exit code ${State.ExitCode}, health ${State.Health?.Status ?? 'not checked'}`
  return `--- ${Name}: ${state}\n${await logOf(container, LOG_LINES)}`
}

/** The same of every container of a Compose project. */
export async function diagnoseProject(project: string): Promise<string> {
  const label = [`com.docker.compose.project=${project}`]
  const containers = await engine.listContainers({ all: true, filters: { label } })
  const parts = await Promise.all(containers.map(({ Id }) => diagnose(engine.getContainer(Id))))
  return parts.join('\n')
}

import type { ContainerHandle } from './container-handle.ts'
import { nodeCommand } from './inside.ts'

/** Of what ran in a container when that ended: it is killed with the rest. */
const KILLED_ALONG = 137

/**
 * Kills the service's process from within, as a segmentation fault would end it, so that the engine's restart policy
 * applies: it does not to what is killed through the engine.
 */
export async function crash(container: ContainerHandle): Promise<void> {
  const { exitCode, stderr } = await container.exec(...nodeCommand(killService))
  if (exitCode !== 0 && exitCode !== KILLED_ALONG)
    throw new Error(`cannot crash ${container.name}: ${stderr}`)
}

async function killService(): Promise<void> {
  const { readFile } = await import('node:fs/promises')
  const children = await readFile('/proc/1/task/1/children', 'utf8')
  process.kill(Number(children.trim().split(' ')[0]), 'SIGKILL')
}

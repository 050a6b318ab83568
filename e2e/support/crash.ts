import type { ContainerHandle } from './container-handle.ts'

/**
 * Kills the service's process from within, as a segmentation fault would end it, so that the engine's restart policy
 * applies: it does not to what is killed through the engine.
 */
export function crash(container: ContainerHandle): Promise<void> {
  return container.inside(async () => {
    const { readFile } = await import('node:fs/promises')
    const children = await readFile('/proc/1/task/1/children', 'utf8')
    process.kill(Number(children.trim().split(' ')[0]), 'SIGKILL')
  })
}

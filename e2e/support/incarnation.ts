import type { ContainerHandle } from './container-handle.ts'

/** Which process of which container it is: another one after a restart, a recreation or a crash. */
export async function incarnation(container: ContainerHandle): Promise<string> {
  const { Id, State } = await container.inspect()
  return `${Id.slice(0, 12)} started ${State.StartedAt} as process ${State.Pid}`
}

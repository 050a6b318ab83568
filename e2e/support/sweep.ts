import { engine } from './engine.ts'
import { PROJECT_PREFIX, projectPrefix, RUN_LABEL } from './run-id.ts'

type Labels = Readonly<Record<string, string>> | null | undefined

/**
 * Removes every container, network and volume that a run made, until the engine has none left.
 * @param run default: of every run, also of those that are under way
 */
export async function sweep(run?: string): Promise<void> {
  const prefix = run === undefined ? PROJECT_PREFIX : projectPrefix(run)
  const isOurs = (labels: Labels) =>
    (run === undefined ? labels?.[RUN_LABEL] !== undefined : labels?.[RUN_LABEL] === run) ||
    labels?.['com.docker.compose.project']?.startsWith(prefix)
  // A command that was interrupted may still be making something.
  while ((await sweepOnce(isOurs)) > 0);
}

async function sweepOnce(isOurs: (labels: Labels) => boolean | undefined): Promise<number> {
  const containers = (await engine.listContainers({ all: true })).filter(({ Labels }) => isOurs(Labels))
  await removeAll(containers.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })))
  const networks = (await engine.listNetworks()).filter(({ Labels }) => isOurs(Labels))
  await removeAll(networks.map(({ Id }) => engine.getNetwork(Id).remove()))
  const { Volumes } = await engine.listVolumes()
  const volumes = (Volumes ?? []).filter(({ Labels }) => isOurs(Labels))
  await removeAll(volumes.map(({ Name }) => engine.getVolume(Name).remove()))
  return containers.length + networks.length + volumes.length
}

const GONE = 404
const IN_PROGRESS = 409

/** What somebody else is removing at this moment is looked at again in the next round. */
async function removeAll(removals: Promise<unknown>[]): Promise<void> {
  for (const { reason } of (await Promise.allSettled(removals)).filter((r) => r.status === 'rejected')) {
    if (reason.statusCode !== GONE && reason.statusCode !== IN_PROGRESS) throw reason
  }
}

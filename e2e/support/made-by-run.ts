import { engine } from './engine.ts'
import { isOfRun } from './run-id.ts'

/**
 * All that runs of this suite made on the engine, as the engine lists it.
 * @param run default: every run, also those that are under way
 */
export async function madeByRun(run?: string) {
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    engine.listContainers({ all: true }),
    engine.listNetworks(),
    engine.listVolumes(),
  ])
  return {
    containers: containers.filter((container) => isOfRun(container, run)),
    networks: networks.filter((network) => isOfRun(network, run)),
    volumes: (volumes ?? []).filter((volume) => isOfRun(volume, run)),
  }
}

import { docker } from './docker.ts'

/** On every container, network and volume of `make places`, with the id of the run. */
const RUN_LABEL = 'io.uds-sidecar.places.run'

/** The label that the sweep of a run finds. */
export function labelOf(run: string): string {
  return `${RUN_LABEL}=${run}`
}

/** That of this run. */
export function runLabel(): string {
  return labelOf(process.env.UDS_PLACES_RUN ?? String(process.pid))
}

/** Removes every container, network and volume that has the label. @returns how many there were */
export async function sweep(label: string): Promise<number> {
  const filter = `label=${label}`
  const list = async (...args: string[]) =>
    (await docker(...args, '--quiet', '--filter', filter)).split('\n').filter((line) => line !== '')
  const containers = await list('ps', '--all')
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers)
  const networks = await list('network', 'ls')
  if (networks.length > 0) await docker('network', 'rm', ...networks)
  const volumes = await list('volume', 'ls')
  if (volumes.length > 0) await docker('volume', 'rm', ...volumes)
  return containers.length + networks.length + volumes.length
}

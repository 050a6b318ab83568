import { engine } from './engine.ts'
import { isOfRun, PROJECT_LABEL } from './run.ts'

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

/** All that the engine has of a Compose project, as the engine lists it. */
async function madeByProject(project: string) {
  const filters = { label: [`${PROJECT_LABEL}=${project}`] }
  const [containers, networks, { Volumes: volumes }] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listNetworks({ filters }),
    engine.listVolumes({ filters }),
  ])
  return { containers, networks, volumes: volumes ?? [] }
}

/** The names of all that the engine has of a Compose project, sorted. */
export async function leftovers(project: string) {
  const { containers, networks, volumes } = await madeByProject(project)
  return {
    containers: containers.flatMap(({ Names }) => Names).sort(),
    networks: networks.map(({ Name }) => Name).sort(),
    volumes: volumes.map(({ Name }) => Name).sort(),
  }
}

type Made = Awaited<ReturnType<typeof madeByProject>>

/** Removes these, without asking the processes. @returns how many there were */
export async function remove({ containers, networks, volumes }: Made): Promise<number> {
  await removeAll(containers.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })))
  await removeAll(networks.map(({ Id }) => engine.getNetwork(Id).remove()))
  await removeAll(volumes.map(({ Name }) => engine.getVolume(Name).remove()))
  return containers.length + networks.length + volumes.length
}

/** Removes a Compose project, without asking its processes; in a third of the time that `docker compose down` takes. */
export async function removeProject(project: string): Promise<void> {
  await remove(await madeByProject(project))
}

const GONE = 404
const IN_PROGRESS = 409

/** What somebody else is removing at this moment is not there at the next look. */
async function removeAll(removals: Promise<unknown>[]): Promise<void> {
  for (const { reason } of (await Promise.allSettled(removals)).filter((r) => r.status === 'rejected')) {
    if (reason.statusCode !== GONE && reason.statusCode !== IN_PROGRESS) throw reason
  }
}

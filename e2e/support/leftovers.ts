import { engine } from './engine.ts'

/** The names of all that the engine has of a Compose project, sorted. */
export async function leftovers(project: string) {
  const filters = { label: [`com.docker.compose.project=${project}`] }
  const containers = await engine.listContainers({ all: true, filters })
  const networks = await engine.listNetworks({ filters })
  const { Volumes } = await engine.listVolumes({ filters })
  return {
    containers: containers.flatMap(({ Names }) => Names).sort(),
    networks: networks.map(({ Name }) => Name).sort(),
    volumes: (Volumes ?? []).map(({ Name }) => Name).sort(),
  }
}

import { engine } from './engine.ts'
import { image } from './images.ts'
import { runToEnd } from './run-to-end.ts'

/** The socket volumes of compose.yaml: where they are mounted, and the socket to begin with. */
const VOLUMES = [
  { volume: 'metrics-socket', path: '/run/app/metrics', socket: 'metrics.sock' },
  { volume: 'api-socket', path: '/run/app/api', socket: 'api.sock' },
]

/** What `client doctor` says of the sockets of a project, to one who is in their groups. */
export async function doctorOn(project: string): Promise<string> {
  const { Volumes } = await engine.listVolumes()
  const names = new Set((Volumes ?? []).map(({ Name }) => Name))
  const found = VOLUMES.filter(({ volume }) => names.has(`${project}_${volume}`))
  const { stdout, stderr } = await runToEnd({
    image: image('client'),
    groups: [10_100, 10_200],
    mounts: found.map(({ volume, path }) => `${project}_${volume}:${path}:ro`),
    command: ['doctor', ...found.map(({ path, socket }) => `unix:${path}/${socket}`)],
  })
  return `--- doctor\n${stdout}${stderr}`
}

import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The volumes of the compose stack as directories, in one that only this user may enter. */
export interface RunDirectory extends AsyncDisposable {
  readonly path: string
  readonly metrics: string
  readonly api: string
  readonly redis: string
}

/** Mode of the socket volumes in compose.yaml: the group may enter but not write; the setgid bit gives sockets the group. */
const VOLUME_MODE = 0o2750

/** Creates a directory for this run; disposing removes it with its content. */
export async function makeRunDirectory(): Promise<RunDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'uds-sidecar-'))
  const volumes = { metrics: join(path, 'metrics'), api: join(path, 'api'), redis: join(path, 'redis') }
  for (const volume of Object.values(volumes)) {
    await mkdir(volume)
    await chmod(volume, VOLUME_MODE)
  }
  return { path, ...volumes, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

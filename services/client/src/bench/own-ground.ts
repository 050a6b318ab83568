import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServers } from './servers/start-servers.ts'
import type { Ground } from './target.ts'

const NO_SIDECAR = {
  sidecar: 'its program is not beside this one; client bench --stack measures the running one',
}

/** Servers of our own: the same handler over a socket and over loopback TCP, and a sidecar before the socket. */
export async function ownGround(): Promise<Ground> {
  await using starting = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'uds-bench-'))
  starting.defer(() => rm(directory, { recursive: true, force: true }))
  const { targets } = starting.use(await startServers(directory))
  const cleanup = starting.move()
  return {
    targets,
    httpPath: (sizeBytes) => `/bytes/${sizeBytes}`,
    echoOverheadBytes: 0,
    missing: targets('echo').some(({ name }) => name === 'sidecar') ? {} : NO_SIDECAR,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

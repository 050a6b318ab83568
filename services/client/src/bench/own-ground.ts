import { startServers } from './servers/start-servers.ts'
import type { Ground } from './target.ts'

const NO_SIDECAR = {
  sidecar: 'its program is not beside this one; client bench --stack measures the running one',
}

/** Servers of our own: the same handler over a socket and over loopback TCP, and a sidecar before the socket. */
export async function ownGround(): Promise<Ground> {
  const servers = await startServers()
  return {
    targets: (protocol) => servers.targets(protocol),
    httpPath: (sizeBytes) => `/bytes?${sizeBytes}`,
    echoOverheadBytes: 0,
    missing: servers.targets('echo').some(({ name }) => name === 'sidecar') ? {} : NO_SIDECAR,
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  }
}

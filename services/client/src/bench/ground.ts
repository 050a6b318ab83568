import type { ClientConfig } from '../config.ts'
import { startServers } from './servers/start-servers.ts'
import type { Ground } from './target.ts'

const NO_SIDECAR = {
  sidecar:
    'there is no sidecar program beside this client; client bench --stack measures the running sidecar',
}

/** Servers started for the benchmark: the same handler over a socket, over loopback TCP, and through a sidecar. */
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

/** The longest line that the app's echo accepts, with its newline. */
export const STACK_LINE_BYTES = 64 * 1024

/** The running stack: the app's own echo and API, over their sockets and through the sidecar. */
export function stackGround(config: ClientConfig): Ground {
  const endpoints = {
    echo: { socket: config.echo, sidecar: config.tcpEcho },
    http: { socket: config.api, sidecar: config.tcpApi },
  }
  return {
    targets: (protocol) => [
      { name: 'socket', endpoint: endpoints[protocol].socket },
      { name: 'sidecar', endpoint: endpoints[protocol].sidecar },
    ],
    httpPath: () => '/-/healthy',
    echoOverheadBytes: 'echo: '.length,
    missing: { tcp: 'the app listens on no network; without --stack the client starts servers of its own' },
    async [Symbol.asyncDispose]() {},
  }
}

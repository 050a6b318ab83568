import type { ClientConfig } from '../config.ts'
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

/** The longest line that the app's echo takes, with its newline. */
export const STACK_LINE_BYTES = 64 * 1024

/** The running stack: the app's own echo and API, over their sockets and through the sidecar. */
export function stackGround(config: ClientConfig): Ground {
  const ways = {
    echo: { socket: config.echo, sidecar: config.tcpEcho },
    http: { socket: config.api, sidecar: config.tcpApi },
  }
  return {
    targets: (protocol) => [
      { name: 'socket', endpoint: ways[protocol].socket },
      { name: 'sidecar', endpoint: ways[protocol].sidecar },
    ],
    httpPath: () => '/-/healthy',
    echoOverheadBytes: 'echo: '.length,
    missing: { tcp: 'the app listens on no network: without --stack, a server of our own is measured' },
    async [Symbol.asyncDispose]() {},
  }
}

import type { ClientConfig } from '../config.ts'
import type { Ground } from './target.ts'

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

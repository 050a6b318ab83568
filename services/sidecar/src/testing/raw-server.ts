import { createServer, type Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { listen } from '@uds-sidecar/shared/listen/listen'

export interface RawServer extends AsyncDisposable {
  /** Connections so far, oldest first. */
  readonly sockets: readonly Socket[]
}

/** A server that does with every connection what a test wants, over a socket file at `path`. */
export async function rawServer(path: string, onConnection: (socket: Socket) => void): Promise<RawServer> {
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => socket.destroy()))
    onConnection(socket)
  })
  const endpoint: Endpoint = { kind: 'unix', path }
  const listener = await listen(server, endpoint, { drainMs: 0, watch: false })
  return {
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await listener[Symbol.asyncDispose]()
    },
  }
}

import { createServer, type Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { listen } from '@uds-sidecar/shared/listen/listen'

export interface RawServer extends AsyncDisposable {
  /** All connections so far, the oldest first. */
  readonly sockets: readonly Socket[]
}

/** Starts an upstream on a Unix socket at `path`. The test decides what happens on each connection. */
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

/** What an upstream has received on one connection. */
export interface Dialogue {
  readonly socket: Socket
  /** All bytes since the last time that a behaviour emptied it, in latin1. */
  received: string
}

/** The behaviour of an upstream. It is called each time that a connection has received more bytes. */
export type OnReceived = (dialogue: Dialogue) => void

/** Runs `behaviour` on a connection. A probe of the sidecar sends nothing, so the behaviour never sees it. */
export function play(socket: Socket, behaviour: OnReceived): void {
  const dialogue = { socket, received: '' }
  socket.on('data', (chunk) => {
    dialogue.received += chunk.toString('latin1')
    behaviour(dialogue)
  })
}

/** Never responds. */
export const silent: OnReceived = () => undefined

/** Sends `response` for every request head; later requests may follow in the same bytes. */
export function responding(response: string): OnReceived {
  return (dialogue) => {
    for (let end = headEnd(dialogue); end >= 0; end = headEnd(dialogue)) {
      dialogue.received = dialogue.received.slice(end)
      dialogue.socket.write(response, 'latin1')
    }
  }
}

/** Responds to each request with the request head that it received, the empty line included. */
export const mirror: OnReceived = (dialogue) => {
  const end = headEnd(dialogue)
  if (end < 0) return
  const head = dialogue.received.slice(0, end)
  dialogue.received = ''
  dialogue.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${head.length}\r\n\r\n${head}`, 'latin1')
}

function headEnd({ received }: Dialogue): number {
  const end = received.indexOf('\r\n\r\n')
  return end < 0 ? -1 : end + 4
}

/** Starts an upstream that sends a response with this body whenever it receives something, in whatever protocol. */
export function respondingServer(path: string, body: string): Promise<RawServer> {
  const response = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  return rawServer(path, (socket) => socket.on('data', () => socket.write(response)))
}

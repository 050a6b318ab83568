import { setMaxListeners } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { MAX_CONNECTIONS } from '../http-server.ts'
import { handleEcho } from './handle-echo.ts'

const IDLE_MS = 300_000

/**
 * The line protocol as a server; one handler for each connection. Idle connections are closed after 5 minutes, and
 * where all places are taken, one more displaces the one that has said nothing for longest.
 * @param connections at a time. Default 1024.
 */
export function createEchoServer(signal: AbortSignal, connections = MAX_CONNECTIONS): Server {
  setMaxListeners(0, signal) // one for each connection, removed with it
  const bySilence = new Set<Socket>()
  return createServer({ allowHalfOpen: true }, (socket) => {
    if (bySilence.size >= connections) displaceFirst(bySilence)
    keepOrder(bySilence, socket)
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    handleEcho(socket, signal)
  })
}

function displaceFirst(bySilence: Set<Socket>): void {
  const [silent] = bySilence
  if (silent === undefined) return
  bySilence.delete(silent)
  silent.destroy()
}

/** The one that has been silent for longest comes first. */
function keepOrder(bySilence: Set<Socket>, socket: Socket): void {
  bySilence.add(socket)
  socket.on('data', () => {
    if (bySilence.delete(socket)) bySilence.add(socket)
  })
  socket.once('close', () => bySilence.delete(socket))
}

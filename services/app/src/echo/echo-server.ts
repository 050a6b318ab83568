import { setMaxListeners } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { MAX_CONNECTIONS } from '../http-server.ts'
import { EchoLines } from './echo-lines.ts'

/**
 * Serves the echo protocol on any duplex stream: a socket, a TCP connection, or one half of `duplexPair()`. The end
 * of input is answered with the end of output; when `signal` aborts, what was received is answered, then it ends.
 */
export function handleEcho(stream: Duplex, signal: AbortSignal): void {
  const lines = new EchoLines()
  const drain = () => {
    stream.unpipe(lines).resume() // read on, or the peer's end would never be seen
    lines.end()
  }
  stream.pipe(lines).pipe(stream)
  stream.once('error', () => stream.destroy()) // the peer is gone; there is nobody to tell
  stream.once('close', () => {
    lines.destroy()
    signal.removeEventListener('abort', drain)
  })
  if (signal.aborted) drain()
  else signal.addEventListener('abort', drain, { once: true })
}

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

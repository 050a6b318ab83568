import { setMaxListeners } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { MAX_CONNECTIONS } from '../http-server.ts'
import { EchoLines } from './echo-lines.ts'

/**
 * Serves the echo protocol on any duplex stream: a Unix socket, a TCP connection, or one half of `duplexPair()`. It ends
 * the output after the end of the input, or, when `signal` aborts, after the responses to what was received.
 */
export function handleEcho(stream: Duplex, signal: AbortSignal): void {
  const lines = new EchoLines()
  const drain = () => {
    stream.unpipe(lines).resume() // keep reading, to notice when the peer ends
    lines.end()
  }
  stream.pipe(lines).pipe(stream)
  stream.once('error', () => stream.destroy()) // the peer is gone
  stream.once('close', () => {
    lines.destroy()
    signal.removeEventListener('abort', drain)
  })
  if (signal.aborted) drain()
  else signal.addEventListener('abort', drain, { once: true })
}

const IDLE_MS = 300_000

/**
 * A server for the line protocol. It closes connections that are idle for 5 minutes. When the limit of connections is
 * reached, a new one closes the one that has been silent for longest.
 * @param signal ends every connection when it aborts, after its responses
 * @param connections most connections at a time. Default 1024.
 */
export function createEchoServer(signal: AbortSignal, connections = MAX_CONNECTIONS): Server {
  setMaxListeners(0, signal) // each connection adds one listener and removes it
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

/** Keeps the connection that has been silent for longest in the first place. */
function keepOrder(bySilence: Set<Socket>, socket: Socket): void {
  bySilence.add(socket)
  socket.on('data', () => {
    if (bySilence.delete(socket)) bySilence.add(socket)
  })
  socket.once('close', () => bySilence.delete(socket))
}

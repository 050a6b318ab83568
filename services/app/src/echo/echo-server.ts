import { setMaxListeners } from 'node:events'
import { createServer, type Server } from 'node:net'
import { handleEcho } from './handle-echo.ts'

const IDLE_MS = 300_000
const MAX_CONNECTIONS = 1_024

/** The line protocol as a server; one handler for each connection. Idle connections are closed after 5 minutes. */
export function createEchoServer(signal: AbortSignal): Server {
  setMaxListeners(0, signal) // one for each connection, removed with it
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.setTimeout(IDLE_MS, () => socket.destroy())
    handleEcho(socket, signal)
  })
  server.maxConnections = MAX_CONNECTIONS
  return server
}

import { Server } from 'node:net'

/** A server has one listening socket; this one accepts for `server`, whose `connection` event may be emitted. */
export function acceptorFor(server: Server & { allowHalfOpen?: boolean; pauseOnConnect?: boolean }): Server {
  const { allowHalfOpen = false, pauseOnConnect = false } = server
  const acceptor = new Server({ allowHalfOpen, pauseOnConnect })
  acceptor.maxConnections = server.maxConnections
  acceptor.on('error', (error) => server.emit('error', error))
  return acceptor.on('connection', (socket) => server.emit('connection', socket))
}

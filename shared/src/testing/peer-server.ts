import { createServer } from 'node:net'
import { peerOf } from '../kernel/peer.ts'

/** A server that tells its parent who connects: `node peer-server.ts PATH`; first `listening`, then a peer each time. */
createServer((socket) => {
  process.send?.({ peer: peerOf(socket) ?? 'unknown' })
  socket.on('error', () => socket.destroy()).end()
}).listen({ path: process.argv[2] ?? '', writableAll: true }, () => process.send?.('listening'))

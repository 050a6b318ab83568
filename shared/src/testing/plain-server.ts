import { createServer } from 'node:net'

/**
 * A server that does not know the bind protocol: `node plain-server.ts PATH BACKLOG`. It is paused with SIGSTOP by
 * whoever wants one that does not accept.
 */
const [path = '', backlog = '511'] = process.argv.slice(2)
createServer((socket) => socket.on('error', () => socket.destroy()).end('plain')).listen(
  { path, backlog: Number(backlog) },
  () => {
    process.send?.('listening')
  },
)

import type { Server as HttpServer } from 'node:http'
import { Server } from 'node:net'
import { isHttp } from './http-responses.ts'

/**
 * The listening sockets of one server. It has its own, and one more for each socket that was published later at its path:
 * a `net.Server` can have only one. The server's own stays open to the end, because closing it would end the listener.
 */
export class Acceptors {
  readonly #server: Server & { allowHalfOpen?: boolean; pauseOnConnect?: boolean }
  /** Sockets that were published later; the last one is at the path. */
  #later: Server[] = []

  constructor(server: Server) {
    this.#server = server
  }

  /** A server for another listening socket: passes on each connection that it accepts. */
  create(): Server {
    const { allowHalfOpen = false, pauseOnConnect = false, maxConnections } = this.#server
    const acceptor = new Server({ allowHalfOpen, pauseOnConnect })
    acceptor.maxConnections = maxConnections
    acceptor.on('error', (error) => this.#server.emit('error', error))
    return acceptor.on('connection', (socket) => this.#server.emit('connection', socket))
  }

  /**
   * `acceptor` is at the path now. The sockets before it have no path any more and are closed after `graceMs`, for which
   * connections to them may still arrive.
   */
  add(acceptor: Server, graceMs: number): void {
    const nameless = this.#later.slice()
    this.#later.push(acceptor)
    if (graceMs === 0) this.#close(nameless)
    else setTimeout(() => this.#close(nameless), graceMs).unref()
  }

  /** Stops accepting on all of them. Resolves when the last connection has ended. */
  async stop(): Promise<void> {
    await Promise.all([this.#server, ...this.#later].map(stopAccepting))
  }

  #close(acceptors: readonly Server[]): void {
    this.#later = this.#later.filter((each) => !acceptors.includes(each))
    for (const each of acceptors) each.close()
  }
}

/**
 * Closes the listening socket only. An HTTP server's own `close` also destroys connections that it takes for idle, even
 * if their client has not read the whole response yet.
 * @returns resolves when the server's last connection has ended
 */
function stopAccepting(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.once('close', resolve)
  if (isHttp(server)) closeKeepingConnections(server)
  else server.close()
  return promise
}

function closeKeepingConnections(server: HttpServer): void {
  server.closeIdleConnections = () => undefined
  try {
    server.close()
  } finally {
    Reflect.deleteProperty(server, 'closeIdleConnections') // the method of the class again
  }
}

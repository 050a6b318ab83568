import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

/** Duck-typed: importing node:http adds 20 ms to programs that never use it. */
export function isHttp(server: Server): server is HttpServer {
  return 'closeIdleConnections' in server
}

interface Use {
  /** Answers that are under way: asked for and not yet handed to the kernel whole. */
  readonly answers: Set<ServerResponse>
  /** Bytes that had been read when the last answer was done; more means that a new request has begun. */
  bytesRead: number
}

/**
 * Which connections of an HTTP server are between two requests. Node's own `closeIdleConnections` counts an answer
 * as done once it is buffered, and cuts what a slow client has not read yet.
 */
export class HttpAnswers {
  readonly #server: HttpServer
  readonly #uses = new WeakMap<Socket, Use>()
  readonly #underWay = new Set<ServerResponse>()
  #closing = false

  constructor(server: HttpServer) {
    this.#server = server
    server.prependListener('request', this.#begin)
  }

  isIdle(socket: Socket): boolean {
    const use = this.#uses.get(socket)
    return (use === undefined || use.answers.size === 0) && socket.bytesRead === (use?.bytesRead ?? 0)
  }

  /** Every answer whose head is not out asks the client for another connection (RFC 9112 section 9.6). */
  announceClose(): void {
    this.#closing = true
    for (const response of this.#underWay) askForAnother(response)
  }

  detach(): void {
    this.#server.off('request', this.#begin)
  }

  readonly #begin = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const use = this.#useOf(socket)
    use.answers.add(response)
    this.#underWay.add(response)
    if (this.#closing) askForAnother(response)
    response.once('close', () => {
      use.answers.delete(response)
      this.#underWay.delete(response)
      use.bytesRead = socket.bytesRead
    })
  }

  #useOf(socket: Socket): Use {
    const use = this.#uses.get(socket) ?? { answers: new Set(), bytesRead: 0 }
    this.#uses.set(socket, use)
    return use
  }
}

function askForAnother(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

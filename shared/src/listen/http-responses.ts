import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

/** Whether it is an `http.Server`. Duck-typed: importing node:http adds 20 ms to programs that never use it. */
export function isHttp(server: Server): server is HttpServer {
  return 'closeIdleConnections' in server
}

interface Use {
  /** Responses in progress: not all of their bytes have been handed to the kernel. */
  readonly responses: Set<ServerResponse>
  /** Bytes that had been read at the end of the last response; more mean that a new request has begun. */
  bytesRead: number
}

/**
 * Knows which connections of an HTTP server are between two requests. Node's `closeIdleConnections` takes a response for
 * complete once it is buffered, and so cuts what a slow client has not read yet.
 */
export class HttpResponses {
  readonly #server: HttpServer
  readonly #uses = new WeakMap<Socket, Use>()
  readonly #inProgress = new Set<ServerResponse>()
  #closing = false

  constructor(server: HttpServer) {
    this.#server = server
    server.prependListener('request', this.#begin)
  }

  isIdle(socket: Socket): boolean {
    const use = this.#uses.get(socket)
    return (use === undefined || use.responses.size === 0) && socket.bytesRead === (use?.bytesRead ?? 0)
  }

  /** Every response whose head is not sent yet asks the client to use another connection (RFC 9112 section 9.6). */
  announceClose(): void {
    this.#closing = true
    for (const response of this.#inProgress) askForAnother(response)
  }

  detach(): void {
    this.#server.off('request', this.#begin)
  }

  readonly #begin = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const use = this.#useOf(socket)
    use.responses.add(response)
    this.#inProgress.add(response)
    if (this.#closing) askForAnother(response)
    response.once('close', () => {
      use.responses.delete(response)
      this.#inProgress.delete(response)
      use.bytesRead = socket.bytesRead
    })
  }

  #useOf(socket: Socket): Use {
    const use = this.#uses.get(socket) ?? { responses: new Set(), bytesRead: 0 }
    this.#uses.set(socket, use)
    return use
  }
}

function askForAnother(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

import type { ServerResponse } from 'node:http'
import type { Server, Socket } from 'node:net'

/** How often connections that became idle while draining are closed. */
const SWEEP_MS = 50

/** The connections of a server, and how they come to an end. */
export class Connections {
  readonly #open = new Set<Socket>()
  readonly #server: Server
  #draining = false
  #onEmpty: (() => void) | undefined

  constructor(server: Server) {
    this.#server = server
    server.on('connection', this.#add)
    if (isHttp(server)) server.prependListener('request', this.#announceClose)
  }

  get size(): number {
    return this.#open.size
  }

  /** From now on HTTP answers ask the client to use another connection (RFC 9112 section 9.6). */
  startDraining(): void {
    this.#draining = true
  }

  /** Resolves as soon as none is open, at the latest after `ms`. */
  async empty(ms: number): Promise<void> {
    if (this.#open.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#onEmpty = resolve
    await promise
    clearTimeout(timer)
  }

  /**
   * Waits until all have ended, closing those that are idle; after `ms` the others are cut.
   * @returns how many were cut
   */
  async drain(ms: number): Promise<number> {
    const server = this.#server
    const sweep = isHttp(server) ? setInterval(() => server.closeIdleConnections(), SWEEP_MS) : undefined
    await this.empty(ms)
    clearInterval(sweep)
    const cut = this.#open.size
    for (const socket of this.#open) socket.destroy()
    this.#server.off('connection', this.#add)
    this.#server.off('request', this.#announceClose)
    return cut
  }

  readonly #add = (socket: Socket): void => {
    this.#open.add(socket)
    socket.once('close', () => {
      this.#open.delete(socket)
      if (this.#open.size === 0) this.#onEmpty?.()
    })
  }

  readonly #announceClose = (_request: unknown, response: ServerResponse): void => {
    if (this.#draining) response.setHeader('connection', 'close')
  }
}

function isHttp(server: Server): server is Server & { closeIdleConnections(): void } {
  return 'closeIdleConnections' in server
}

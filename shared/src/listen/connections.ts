import type { Server, Socket } from 'node:net'
import { HttpResponses, isHttp } from './http-responses.ts'

/** How often draining closes the connections that have become idle. */
const SWEEP_MS = 50

/** The open connections of a server, and how they end when it drains. */
export class Connections {
  readonly #open = new Set<Socket>()
  readonly #server: Server
  readonly #responses: HttpResponses | undefined
  #onEmpty: (() => void) | undefined

  constructor(server: Server) {
    this.#server = server
    this.#responses = isHttp(server) ? new HttpResponses(server) : undefined
    server.on('connection', this.#add)
  }

  get size(): number {
    return this.#open.size
  }

  /** From now on HTTP responses ask the client to use another connection. */
  startDraining(): void {
    this.#responses?.announceClose()
  }

  /** Resolves when no connection is open, at the latest after `ms` milliseconds. */
  async empty(ms: number): Promise<void> {
    if (this.#open.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#onEmpty = resolve
    await promise
    clearTimeout(timer)
  }

  /**
   * Closes idle connections and waits until the others have ended; cuts those that are left after `ms` milliseconds.
   * @returns the number of connections that were cut
   */
  async drain(ms: number): Promise<number> {
    this.closeIdle()
    const sweep = setInterval(() => this.closeIdle(), SWEEP_MS)
    await this.empty(ms)
    clearInterval(sweep)
    const cut = this.cut()
    this.detach()
    return cut
  }

  /** Destroys all connections. @returns their number */
  cut(): number {
    for (const socket of this.#open) socket.destroy()
    return this.#open.size
  }

  /** Stops listening to the server's events. */
  detach(): void {
    this.#server.off('connection', this.#add)
    this.#responses?.detach()
  }

  /** Closes connections between two requests. Other protocols than HTTP have no such state. */
  closeIdle(): void {
    for (const socket of this.#open) if (this.#responses?.isIdle(socket)) socket.destroy()
  }

  readonly #add = (socket: Socket): void => {
    this.#open.add(socket)
    socket.on('close', () => {
      this.#open.delete(socket)
      if (this.#open.size === 0) this.#onEmpty?.()
    })
  }
}

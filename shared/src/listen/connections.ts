import type { Server, Socket } from 'node:net'
import { HttpAnswers, isHttp } from './http-answers.ts'

/** How often connections that became idle while draining are closed. */
const SWEEP_MS = 50

/** The connections of a server, and how they come to an end. */
export class Connections {
  readonly #open = new Set<Socket>()
  readonly #server: Server
  readonly #answers: HttpAnswers | undefined
  #onEmpty: (() => void) | undefined

  constructor(server: Server) {
    this.#server = server
    this.#answers = isHttp(server) ? new HttpAnswers(server) : undefined
    server.on('connection', this.#add)
  }

  get size(): number {
    return this.#open.size
  }

  /** From now on HTTP answers ask the client to use another connection. */
  startDraining(): void {
    this.#answers?.announceClose()
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
    this.closeIdle()
    const sweep = setInterval(() => this.closeIdle(), SWEEP_MS)
    await this.empty(ms)
    clearInterval(sweep)
    const cut = this.cut()
    this.detach()
    return cut
  }

  /** @returns how many there were */
  cut(): number {
    for (const socket of this.#open) socket.destroy()
    return this.#open.size
  }

  /** Looks at the server no more. */
  detach(): void {
    this.#server.off('connection', this.#add)
    this.#answers?.detach()
  }

  /** Only HTTP tells when a connection is between two requests. */
  closeIdle(): void {
    for (const socket of this.#open) if (this.#answers?.isIdle(socket)) socket.destroy()
  }

  readonly #add = (socket: Socket): void => {
    this.#open.add(socket)
    socket.once('close', () => {
      this.#open.delete(socket)
      if (this.#open.size === 0) this.#onEmpty?.()
    })
  }
}

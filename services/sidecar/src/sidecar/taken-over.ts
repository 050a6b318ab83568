import type { Port } from '../relay/port.ts'
import type { RunningRoute } from './running-route.ts'

/** The sockets of routes that other servers took over. They stay with those servers, also after a reload. */
export class TakenOver {
  readonly #ports = new Set<Port>()
  readonly #all = Promise.withResolvers<void>()
  readonly #onTakenOver: () => void

  /** @param onTakenOver called for each socket that is taken over; `leave` should follow */
  constructor(onTakenOver: () => void) {
    this.#onTakenOver = onTakenOver
  }

  /** Resolves when the sockets of all routes are taken over. */
  get all(): Promise<void> {
    return this.#all.promise
  }

  has(port: Port): boolean {
    return this.#ports.has(port)
  }

  /** Notices when another server takes over the socket of this port. */
  watch(port: Port): void {
    port.replaced.then((isReplaced) => {
      if (!isReplaced) return
      this.#ports.add(port)
      this.#onTakenOver()
    })
  }

  /**
   * Lets the routes go whose sockets are taken over.
   * @param routes all that are running
   * @returns those that must be drained now: they have not left before.
   */
  leave(routes: readonly RunningRoute[]): RunningRoute[] {
    const gone = routes.filter(({ port }) => this.#ports.has(port))
    const leaving = gone.filter((route) => route.leave())
    if (gone.length > 0 && gone.length === routes.length) this.#all.resolve()
    return leaving
  }
}

import type { ConnectionHandler } from './port.ts'

/** While draining, what is in progress before the next handler may take so long. */
const GRACE_MS = 1_000

export interface StagedDrainParts {
  /** Connections that the next handler does not have yet. */
  readonly pending: { readonly size: number }
  /** Resets them, and removes them from `pending`. */
  readonly cutAll: () => void
  readonly next: Pick<ConnectionHandler, 'drain'>
}

/**
 * How a handler ends that does something with each connection before it passes it on, such as a TLS handshake: what is in
 * progress may take a short time, then the next handler drains in the time that is left.
 */
export class StagedDrain {
  readonly #parts: StagedDrainParts
  #isOver = false
  #onEmpty: (() => void) | undefined

  constructor(parts: StagedDrainParts) {
    this.#parts = parts
  }

  /** The time to drain is over: a connection that is accepted now is reset. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Resolves when no connection is left, neither here nor in the next handler. */
  async drain(drainMs: number): Promise<void> {
    const startedMs = performance.now()
    setTimeout(() => {
      this.#isOver = true
      this.#parts.cutAll()
    }, drainMs).unref() // also for connections that are accepted until the port is closed
    await this.#finish(Math.min(GRACE_MS, drainMs))
    await this.#parts.next.drain(Math.max(0, drainMs - (performance.now() - startedMs)))
  }

  /** One of `pending` was removed. */
  removed(): void {
    if (this.#parts.pending.size === 0) this.#onEmpty?.()
  }

  /** Waits for what is in progress, and resets what is left after `ms`. */
  async #finish(ms: number): Promise<void> {
    if (this.#parts.pending.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#onEmpty = resolve
    await promise
    clearTimeout(timer)
    this.#parts.cutAll()
  }
}

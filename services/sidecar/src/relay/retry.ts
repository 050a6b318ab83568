import type { Failure } from '@uds-sidecar/shared/failure/failure'

/** What of a request decides whether it may be sent twice. */
interface RetriableRequest {
  readonly isDone: boolean
  readonly isIdempotent: boolean
}

/**
 * When a request is sent a second time; nothing else decides it.
 *
 * A server may close an idle connection just when a request is sent on it. Then the request is sent again, once, on
 * another connection, if all of this holds:
 * - the method is idempotent (RFC 9110 section 9.2.2), and the whole request is still here;
 * - the connection had served a request before, and was closed without one byte of a response (RFC 9112 section 9.3.1).
 *
 * All other requests go out on a connection that was opened for them, which a server does not close as idle.
 */
export class Retry {
  #isPossible = false

  start({ isDone, isIdempotent }: RetriableRequest): void {
    this.#isPossible = isDone && isIdempotent
  }

  /** The request cannot be sent twice, and needs a connection of its own. */
  get needsFresh(): boolean {
    return !this.#isPossible
  }

  /**
   * Whether the request is sent again after `failure`: true once at most.
   * @param wasIdle the connection had served before and gave no byte of a response now.
   */
  take(failure: Failure, wasIdle: boolean): boolean {
    const isTaken = this.#isPossible && wasIdle && failure.code === 'upstream_reset'
    if (isTaken) this.#isPossible = false
    return isTaken
  }
}

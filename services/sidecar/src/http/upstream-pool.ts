import { dialFailure } from '@uds-sidecar/shared/dial/dial-failure'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { HttpRoute } from '../config/config.ts'
import type { Deadlines } from '../time/deadlines.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { AnswerTaker } from './answer-taker.ts'
import { UpstreamConnection } from './upstream-connection.ts'

/** The connections to one upstream: the one used last is used next, and who finds none free waits in order. */
export class UpstreamPool {
  readonly endpoint: Endpoint
  /** For messages. */
  readonly name: string
  readonly timeoutsMs: HttpRoute['timeoutsMs']
  readonly limits: HttpRoute['limits']
  readonly deadlines: Deadlines
  readonly #upstream: Upstream
  readonly #idle: UpstreamConnection[] = []
  readonly #waiting = new Set<AnswerTaker>()
  #open = 0
  #isClosed = false

  constructor(route: HttpRoute, upstream: Upstream, deadlines: Deadlines) {
    this.endpoint = route.upstream
    this.name = formatEndpoint(route.upstream)
    this.timeoutsMs = route.timeoutsMs
    this.limits = route.limits
    this.deadlines = deadlines
    this.#upstream = upstream
  }

  /**
   * Lets `taker` begin, at once or as soon as a connection is there.
   * @param fresh only on a new connection.
   * @returns false when too many wait already.
   */
  acquire(taker: AnswerTaker, fresh = false): boolean {
    const idle = fresh ? undefined : this.#idle.pop()
    if (idle !== undefined) idle.use(taker)
    else if (this.#open < this.limits.upstreamConnections || this.#evict()) this.#dial(taker)
    else if (this.#waiting.size < this.limits.queue) this.#waiting.add(taker)
    else return false
    return true
  }

  /** Leaves the queue; false when it was not in it. */
  forget(taker: AnswerTaker): boolean {
    return this.#waiting.delete(taker)
  }

  /** Closes what is idle: it leads to a socket that is not the one at the path any more. */
  closeIdle(): void {
    for (const connection of [...this.#idle]) connection.close()
  }

  /** Closes what is idle now and what becomes idle later. */
  close(): void {
    this.#isClosed = true
    this.closeIdle()
  }

  release(connection: UpstreamConnection): void {
    const next = this.#shift()
    if (next !== undefined) connection.use(next)
    else if (this.#isClosed) connection.close()
    else this.#idle.push(connection)
  }

  connected(): void {
    this.#upstream.reportConnected()
  }

  /** An answer came through whole. */
  answered(): void {
    if (this.#upstream.isTroubled) this.#upstream.reportAnswered()
  }

  closed(connection: UpstreamConnection): void {
    this.#open -= 1
    const index = this.#idle.lastIndexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
    const next = this.#shift()
    if (next !== undefined) this.acquire(next, true)
  }

  failed(failure: Failure, isDown: boolean): void {
    if (isDown) this.#upstream.reportDown(failure)
    else this.#upstream.reportTrouble(failure)
  }

  explain(error: Error): Promise<Failure> {
    return dialFailure(this.endpoint, error)
  }

  #dial(taker: AnswerTaker): void {
    this.#open += 1
    new UpstreamConnection(this, taker)
  }

  /** Makes room for a new connection by closing an idle one. */
  #evict(): boolean {
    this.#idle.shift()?.close()
    return this.#open < this.limits.upstreamConnections
  }

  #shift(): AnswerTaker | undefined {
    if (this.#waiting.size === 0) return undefined
    const [next] = this.#waiting
    this.#waiting.delete(next as AnswerTaker)
    return next
  }
}

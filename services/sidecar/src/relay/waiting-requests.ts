import type { Peer } from './connection-limits.ts'
import { FairQueue } from './fair-queue.ts'
import { queueFull } from './relay-failures.ts'
import type { ResponseTaker } from './response-taker.ts'

/** Which requests may begin now. */
export interface Admission {
  /** The address uses less than its share of the upstream connections. */
  hasShare(peer: Peer): boolean
  /** One more request whose body is not whole may begin, in all and of this address. */
  mayUpload(peer: Peer): boolean
}

/**
 * The requests that wait for an upstream connection, in two fair queues: requests that are whole, and requests whose
 * body is not whole yet. The queues take turns, so that neither kind waits for all of the other.
 */
export class WaitingRequests {
  readonly #max: number
  readonly #admission: Admission
  readonly #whole = new FairQueue<ResponseTaker>()
  readonly #uploads = new FairQueue<ResponseTaker>()
  #isUploadsTurn = false

  /** @param max in both queues together */
  constructor(max: number, admission: Admission) {
    this.#max = max
    this.#admission = admission
  }

  get size(): number {
    return this.#whole.size + this.#uploads.size
  }

  /**
   * A full queue refuses the newest request of the address that has most in it.
   * @returns false when that is this one.
   */
  add(taker: ResponseTaker): boolean {
    if (this.size >= this.#max && !this.#refuseAnother(taker.peer)) return false
    const queue = taker.isRequestDone ? this.#whole : this.#uploads
    queue.add(taker)
    return true
  }

  /** @returns false when it does not wait here */
  delete(taker: ResponseTaker): boolean {
    return this.#whole.delete(taker) || this.#uploads.delete(taker)
  }

  /** Takes the next request that may begin. */
  shift(): ResponseTaker | undefined {
    this.#isUploadsTurn = !this.#isUploadsTurn
    if (this.#isUploadsTurn) return this.#nextUpload() ?? this.#nextWhole()
    return this.#nextWhole() ?? this.#nextUpload()
  }

  #nextWhole(): ResponseTaker | undefined {
    return this.#whole.shift((peer) => this.#admission.hasShare(peer))
  }

  #nextUpload(): ResponseTaker | undefined {
    return this.#uploads.shift((peer) => this.#admission.hasShare(peer) && this.#admission.mayUpload(peer))
  }

  #refuseAnother(peer: Peer): boolean {
    if (this.#max === 0) return false
    const count = this.#whole.sizeOf(peer) + this.#uploads.sizeOf(peer)
    const other = this.#uploads.evict(count + 1) ?? this.#whole.evict(count + 1)
    other?.fail(queueFull(this.#max), false)
    return other !== undefined
  }
}

import type { Peer } from '../port/connection-limits.ts'

/** One address may have this part of the whole. */
const SHARES = 4

/** The memory in which responses of one route wait for clients that read slowly, so that they do not hold the upstream. */
export class ResponseBuffer {
  readonly #maxBytes: number
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** @returns false when there is no room for so much, in all or for this peer */
  take(peer: Peer, bytes: number): boolean {
    const isTooMuch =
      this.#bytes + bytes > this.#maxBytes || peer.bufferedBytes + bytes > this.#maxBytes / SHARES
    if (isTooMuch) return false
    this.#bytes += bytes
    peer.bufferedBytes += bytes
    return true
  }

  /** Gives back what `take` gave. */
  release(peer: Peer, bytes: number): void {
    this.#bytes -= bytes
    peer.bufferedBytes -= bytes
  }
}

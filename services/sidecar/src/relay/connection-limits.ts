/** Who shares an address, as far as one route knows: what its connections use together. */
export class Peer {
  readonly address: string
  connections = 0
  /** Upstream connections that its requests use. */
  upstreamConnections = 0
  /** Those of them whose request has a body that is still to come. */
  uploads = 0
  /** When a connection of its was last ended for a slow client; in milliseconds of the deadlines' clock. */
  evictedMs = Number.NEGATIVE_INFINITY
  /** Bytes of responses that wait in memory until its clients read them. */
  bufferedBytes = 0

  constructor(address: string) {
    this.address = address
  }
}

/** Room for the descriptors of all routes together, whatever each of them may have. */
export class SharedRoom {
  /** Descriptors; Infinity where the process has no limit that is known. */
  max = Number.POSITIVE_INFINITY
  #taken = 0
  #refused = 0

  take(count: number): boolean {
    if (this.#taken + count > this.max) return false
    this.#taken += count
    return true
  }

  release(count: number): void {
    this.#taken -= count
  }

  /** Whether a connection that is refused may stay until it has read why; call `refusalRead` when it is closed. */
  mayReadRefusal(): boolean {
    if (this.#refused >= MAX_REFUSED) return false
    this.#refused += 1
    return true
  }

  refusalRead(): void {
    this.#refused -= 1
  }
}

/** Connections that are being refused have descriptors too. */
export const MAX_REFUSED = 32

export interface ConnectionLimitsParts {
  readonly connections: number
  readonly connectionsPerAddress: number
  /** Descriptors of one connection: 2 where each has its own to the upstream. */
  readonly descriptors: number
  readonly room: SharedRoom
  /** Told when connections begin to be refused for there are too many in all, and when there is room again. */
  readonly onChange?: (isFull: boolean) => void
}

/** Counts connections in total and per client address, and says whether one more is within bounds. */
export class ConnectionLimits {
  /** Connections at a time; may be changed while some are open. */
  max: number
  readonly #parts: ConnectionLimitsParts
  readonly #peers = new Map<string, Peer>()
  #total = 0
  #isFull = false

  constructor(parts: ConnectionLimitsParts) {
    this.max = parts.connections
    this.#parts = parts
  }

  /** Takes a place; null when none is left. */
  take(address: string): Peer | null {
    const peer = this.#peers.get(address) ?? new Peer(address)
    if (peer.connections >= this.#parts.connectionsPerAddress) return null
    if (this.#total >= this.max || !this.#parts.room.take(this.#parts.descriptors)) {
      this.#become(true)
      return null
    }
    this.#total += 1
    peer.connections += 1
    this.#peers.set(address, peer)
    return peer
  }

  /** Gives back a place that `take` gave. */
  release(peer: Peer): void {
    this.#total -= 1
    peer.connections -= 1
    if (peer.connections === 0) this.#peers.delete(peer.address)
    this.#parts.room.release(this.#parts.descriptors)
    if (this.#isFull && this.#total < this.max * CALM) this.#become(false)
  }

  /** Of a connection that found no place: whether it is told why, rather than reset; `SharedRoom.mayReadRefusal`. */
  mayReadRefusal(): boolean {
    return this.#parts.room.mayReadRefusal()
  }

  refusalRead(): void {
    this.#parts.room.refusalRead()
  }

  #become(isFull: boolean): void {
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    this.#parts.onChange?.(isFull)
  }
}

/** Below this part of its places there is room again: one that comes and goes is no news. */
const CALM = 0.9

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

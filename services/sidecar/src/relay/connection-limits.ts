/** One caller of a route, by TCP address or uid, and what all its connections use together. */
export class Peer {
  readonly address: string
  connections = 0
  /** Upstream connections that its requests use. */
  upstreamConnections = 0
  /** Upstream connections whose request has a body that is not whole yet. */
  uploads = 0
  /** When a connection of this address was last ended for being slow, in milliseconds of the clock of `Deadlines`. */
  evictedMs = Number.NEGATIVE_INFINITY
  /** Bytes of responses that wait in memory until this address reads them. */
  bufferedBytes = 0

  constructor(address: string) {
    this.address = address
  }
}

/** The descriptors that all routes together may use, beside the limits of each route. */
export class SharedRoom {
  /** Descriptors in all; Infinity where the limit of the process is not known. */
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

  /** Whether a refused connection may stay open until it has read the reason; call `refusalRead` when it is closed. */
  mayReadRefusal(): boolean {
    if (this.#refused >= MAX_REFUSED) return false
    this.#refused += 1
    return true
  }

  refusalRead(): void {
    this.#refused -= 1
  }
}

/** Refused connections that may stay open at a time until they have read the reason: they use descriptors too. */
export const MAX_REFUSED = 32

export interface ConnectionLimitsParts {
  readonly connections: number
  readonly connectionsPerAddress: number
  /** Descriptors of one connection: 2 on a stream route, where each has an upstream connection of its own. */
  readonly descriptors: number
  readonly room: SharedRoom
  /** Called when connections begin to be refused because all places are taken, and when there is room again. */
  readonly onChange?: (isFull: boolean) => void
}

/** Counts connections in total and per client address, and decides whether one more is within the limits. */
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

  /** Places in use, those of handshakes included. */
  get taken(): number {
    return this.#total
  }

  /**
   * Takes a place; null when none is left.
   * @param isProxy a trusted proxy connects, for any number of clients: they count, each by `join`, and it does not.
   */
  take(address: string, isProxy = false): Peer | null {
    const peer = isProxy ? new Peer(address) : this.#peerOf(address)
    if (peer.connections >= this.#parts.connectionsPerAddress) return null
    if (this.#total >= this.max || !this.#parts.room.take(this.#parts.descriptors)) {
      this.#become(true)
      return null
    }
    this.#total += 1
    peer.connections += 1
    if (!isProxy) this.#peers.set(address, peer)
    return peer
  }

  /** Counts a request that a trusted proxy relays, as a connection of its client. Null: the client has too many. */
  join(address: string): Peer | null {
    const peer = this.#peerOf(address)
    if (peer.connections >= this.#parts.connectionsPerAddress) return null
    peer.connections += 1
    this.#peers.set(address, peer)
    return peer
  }

  /** The request that `join` has counted is over. */
  leave(peer: Peer): void {
    peer.connections -= 1
    if (peer.connections === 0 && this.#peers.get(peer.address) === peer) this.#peers.delete(peer.address)
  }

  #peerOf(address: string): Peer {
    return this.#peers.get(address) ?? new Peer(address)
  }

  /** Gives back a place that `take` gave. */
  release(peer: Peer): void {
    this.#total -= 1
    this.leave(peer)
    this.#parts.room.release(this.#parts.descriptors)
    if (this.#isFull && this.#total < this.max * CALM) this.#become(false)
  }

  /** Whether a connection without a place gets a response that says why, and is not simply reset. */
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

/**
 * There is room again below this part of the places. Without the gap, one connection that opens and closes would fill the log.
 */
const CALM = 0.9

/** One address may use a quarter of the buffer. */
const SHARES = 4

/** Bounded memory of one route: responses wait in it for clients that read slowly, so that the upstream is free. */
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

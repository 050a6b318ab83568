/** Who shares an address, as far as one route knows: what its connections use together. */
export class Peer {
  readonly address: string
  connections = 0
  /** Upstream connections that its requests use. */
  upstreamConnections = 0
  /** Bytes of responses that wait in memory until its clients read them. */
  bufferedBytes = 0

  constructor(address: string) {
    this.address = address
  }
}

/** Counts connections in total and per client address, and says whether one more is within bounds. */
export class ConnectionLimits {
  readonly #maxTotal: number
  readonly #maxPerAddress: number
  readonly #peers = new Map<string, Peer>()
  #total = 0

  constructor(maxTotal: number, maxPerAddress: number) {
    this.#maxTotal = maxTotal
    this.#maxPerAddress = maxPerAddress
  }

  /** Takes a place; null when none is left. */
  take(address: string): Peer | null {
    const peer = this.#peers.get(address) ?? new Peer(address)
    if (this.#total >= this.#maxTotal || peer.connections >= this.#maxPerAddress) return null
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
  }
}

import type { Peer } from './connection-limits.ts'

/** An item that waits, and the client address, or another key, that it belongs to. */
export interface Queued<P = Peer> {
  readonly peer: P
}

/**
 * A queue that serves the addresses in turn, and each address in order: many items of one address delay only each
 * other.
 */
export class FairQueue<T extends Queued<P>, P = Peer> {
  /** The address that was served longest ago comes first. */
  readonly #byPeer = new Map<P, Set<T>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** How many items of this address wait. */
  sizeOf(peer: P): number {
    return this.#byPeer.get(peer)?.size ?? 0
  }

  add(item: T): void {
    const items = this.#byPeer.get(item.peer) ?? new Set()
    items.add(item)
    this.#byPeer.set(item.peer, items)
    this.#size += 1
  }

  /** @returns false when it does not wait here */
  delete(item: T): boolean {
    const items = this.#byPeer.get(item.peer)
    if (items === undefined || !items.delete(item)) return false
    if (items.size === 0) this.#byPeer.delete(item.peer)
    this.#size -= 1
    return true
  }

  /** Takes the next item whose address `mayBeServed`. */
  shift(mayBeServed: (peer: P) => boolean): T | undefined {
    for (const [peer, items] of this.#byPeer) {
      if (!mayBeServed(peer)) continue
      const [next] = items
      this.#byPeer.delete(peer)
      this.#byPeer.set(peer, items)
      this.delete(next as T)
      return next
    }
    return undefined
  }

  /** Takes the newest item of the address that has the most, if it has more than `count`. */
  evict(count: number): T | undefined {
    let most: Set<T> | undefined
    for (const items of this.#byPeer.values()) if (items.size > (most?.size ?? count)) most = items
    const newest = most === undefined ? undefined : [...most].at(-1)
    if (newest !== undefined) this.delete(newest)
    return newest
  }
}

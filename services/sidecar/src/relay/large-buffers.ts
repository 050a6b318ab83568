/** Where bytes are written to: a socket, as far as it says whether it still uses them. */
export interface Taker {
  /** Bytes that the kernel has not taken; 0: no buffer that was written before is in use. */
  readonly writableLength: number
  readonly destroyed: boolean
}

/** A little less than 64 KiB: that fills a stream of Node, which then has to drain after each write. */
export const LARGE_BYTES = 65_280

/** How many are kept of either kind, free or lent: 8 MiB in all. More are left to the garbage collector. */
const MOST_KEPT = 64

/** How many are looked at for one that is free by now, and how often each is before it is forgotten: its socket is slow. */
const LOOKED_AT = 4
const MOST_LOOKS = 16

export type LargeBuffer = Buffer<ArrayBuffer>

interface Lent {
  readonly bytes: LargeBuffer
  readonly to: Taker
  looks: number
}

/**
 * Buffers of `LARGE_BYTES` for the bytes on their way from one socket to another. One that the other socket has not taken
 * when the next read comes is lent to it, and used again once it has: with a new one for each such read the garbage
 * collector of V8 marks the whole heap again and again.
 */
export class LargeBuffers {
  readonly #free: LargeBuffer[] = []
  /** Oldest first. */
  readonly #lent: Lent[] = []

  /** One that nobody uses. */
  take(): LargeBuffer {
    return this.#free.pop() ?? this.#takeLent() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
  }

  #takeLent(): LargeBuffer | null {
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      const lent = this.#lent.shift()
      if (lent === undefined) return null
      if (lent.to.destroyed) continue
      if (lent.to.writableLength === 0) return lent.bytes
      if (++lent.looks < MOST_LOOKS) this.#lent.push(lent)
    }
    return null
  }

  /** @param bytes that nobody uses any more */
  giveBack(bytes: LargeBuffer): void {
    if (this.#free.length < MOST_KEPT) this.#free.push(bytes)
  }

  /** @param bytes that were written to `to`, and that the caller uses no more */
  lend(bytes: LargeBuffer, to: Taker): void {
    if (to.writableLength === 0 && !to.destroyed) {
      this.giveBack(bytes)
      return
    }
    if (this.#lent.length === MOST_KEPT) this.#lent.shift()
    this.#lent.push({ bytes, to, looks: 0 })
  }
}

/** Of all sockets of the process. */
export const BUFFERS = new LargeBuffers()

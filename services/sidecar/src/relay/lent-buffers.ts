/** Where bytes are written to: a socket, as far as it says whether it still uses them. */
export interface Taker {
  /** Bytes that the kernel has not taken; 0: no buffer that was written before is in use. */
  readonly writableLength: number
  readonly destroyed: boolean
}

/** More is no faster: a chunk of 64 KiB fills a stream of Node, which then has to drain after each write. */
export const LARGE_BYTES = 32_768

/** How many are remembered, 2 MiB in all. More are left to the garbage collector. */
const MOST_LENT = 64

/** How many are looked at for a free one, and how often each is before it is forgotten: its socket is slow. */
const LOOKED_AT = 4
const MOST_LOOKS = 16

interface Lent {
  readonly bytes: Buffer
  readonly to: Taker
  looks: number
}

/**
 * Buffers of `LARGE_BYTES` that were written to a socket and then replaced for the next read, because the socket had not
 * taken them yet. They are used again once it has: with a new one for each such read the garbage collector of V8 marks the
 * whole heap again and again.
 */
export class LentBuffers {
  /** Oldest first. */
  readonly #lent: Lent[] = []

  /** One that nobody uses any more, or a new one. */
  take(): Buffer {
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      const lent = this.#lent.shift()
      if (lent === undefined) break
      if (lent.to.destroyed) continue
      if (lent.to.writableLength === 0) return lent.bytes
      if (++lent.looks < MOST_LOOKS) this.#lent.push(lent)
    }
    return Buffer.allocUnsafeSlow(LARGE_BYTES)
  }

  /** @param bytes a buffer that was written to `to`, and that the caller uses no more */
  lend(bytes: Buffer, to: Taker): void {
    if (bytes.length !== LARGE_BYTES) return
    if (this.#lent.length === MOST_LENT) this.#lent.shift()
    this.#lent.push({ bytes, to, looks: 0 })
  }
}

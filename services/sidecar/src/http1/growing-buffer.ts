const FIRST_BYTES = 1_024
const NOTHING: Buffer = Buffer.alloc(0)

/** Joins pieces of bytes in one buffer that doubles, so that each byte is copied a bounded number of times. */
export class GrowingBuffer {
  #buffer = NOTHING
  #length: number

  /** @param headroom bytes that stay free before the first */
  constructor(headroom = 0) {
    this.#length = headroom
  }

  get length(): number {
    return this.#length
  }

  /** All bytes so far, headroom included; valid until the next `append`. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  append(bytes: Buffer, start = 0, end = bytes.length): void {
    const length = this.#length + end - start
    if (length > this.#buffer.length) this.#grow(length)
    bytes.copy(this.#buffer, this.#length, start, end)
    this.#length = length
  }

  #grow(length: number): void {
    const buffer = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * length))
    this.#buffer.copy(buffer, 0, 0, this.#length)
    this.#buffer = buffer
  }
}

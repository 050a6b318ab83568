import { GrowingBuffer } from '../http1/growing-buffer.ts'

/** Pieces smaller than this are put together, up to `JOINED_BYTES`. */
const SMALL_BYTES = 4_096
const JOINED_BYTES = 16_384

/** Bytes that wait to be read, in order. Small pieces cost no object each, and what is given back is not copied. */
export class ByteQueue {
  /** Bytes that wait. */
  length = 0
  readonly #pieces: Buffer[] = []
  /** The small pieces that came last. */
  #tail: GrowingBuffer | null = null

  push(bytes: Buffer): void {
    this.length += bytes.length
    if (bytes.length < SMALL_BYTES) this.#join(bytes)
    else {
      this.#closeTail()
      this.#pieces.push(bytes)
    }
  }

  /** Takes all, in one piece. */
  takeAll(): Buffer {
    this.#closeTail()
    const [first] = this.#pieces
    const bytes = this.#pieces.length === 1 && first !== undefined ? first : Buffer.concat(this.#pieces)
    this.clear()
    return bytes
  }

  /** Gives back what is left of what was taken last. */
  unshift(bytes: Buffer): void {
    this.length += bytes.length
    this.#pieces.unshift(bytes)
  }

  clear(): void {
    this.#pieces.length = 0
    this.#tail = null
    this.length = 0
  }

  #join(bytes: Buffer): void {
    this.#tail ??= new GrowingBuffer()
    this.#tail.append(bytes)
    if (this.#tail.length >= JOINED_BYTES) this.#closeTail()
  }

  #closeTail(): void {
    if (this.#tail !== null) this.#pieces.push(this.#tail.bytes)
    this.#tail = null
  }
}

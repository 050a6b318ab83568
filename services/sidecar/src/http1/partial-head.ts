import { CR, LF } from './bytes.ts'
import { GrowingBuffer } from './growing-buffer.ts'

/**
 * The beginning of a head that is not whole yet. It tells when to parse it again: when the empty line has come, when a
 * line ends wrongly, and whenever its size has doubled. So a head that comes byte by byte is read in linear time.
 */
export class PartialHead {
  readonly #buffer: GrowingBuffer
  readonly #start: number
  #parsedLength: number

  /** @param headroom bytes that stay free before the head */
  constructor(bytes: Buffer, start: number, end: number, headroom = 0) {
    this.#buffer = new GrowingBuffer(headroom)
    this.#buffer.append(bytes, start, end)
    this.#start = headroom
    this.#parsedLength = this.#buffer.length
  }

  /** The headroom, and the bytes so far. */
  get bytes(): Buffer {
    return this.#buffer.bytes
  }

  get length(): number {
    return this.#buffer.length - this.#start
  }

  /** Takes more. @returns whether to parse it again now */
  append(bytes: Buffer, start = 0, end = bytes.length): boolean {
    const before = this.#buffer.length
    this.#buffer.append(bytes, start, end)
    const isWorthwhile = this.#buffer.length >= 2 * this.#parsedLength || this.#hasLineOfInterest(before)
    if (isWorthwhile) this.#parsedLength = this.#buffer.length
    return isWorthwhile
  }

  /** Whether an empty line, or a line that ends with LF alone, has come since `from`. */
  #hasLineOfInterest(from: number): boolean {
    const { bytes } = this.#buffer
    for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1))
      if (at < this.#start + 2 || bytes[at - 1] !== CR || bytes[at - 2] === LF) return true
    return false
  }
}

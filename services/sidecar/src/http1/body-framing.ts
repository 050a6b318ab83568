import { BROKEN, ChunkedFraming, type Sender } from './chunked.ts'
import type { RequestHead } from './request-head.ts'
import type { ResponseHead } from './response-head.ts'

const NONE = 0
const LENGTH = 1
const CHUNKED = 2
const UNTIL_CLOSE = 3

/** Finds the end of a message's body (RFC 9112 section 6.3). Reused for one body after the other. */
export class BodyFraming {
  #kind: typeof NONE | typeof LENGTH | typeof CHUNKED | typeof UNTIL_CLOSE = NONE
  #remaining = 0
  #chunks: ChunkedFraming | null = null
  readonly #sender: Sender
  /** Bytes of the body so far, coding included. */
  bytes = 0

  readonly #replaced: readonly Uint8Array[]

  /** @param replaced folded names of fields that the sidecar sets: as trailers of a request they are refused. */
  constructor(sender: Sender = 'client', replaced: readonly Uint8Array[] = []) {
    this.#sender = sender
    this.#replaced = replaced
  }

  /** The parts of the bytes taken last that are forwarded, in order; null: all of them. */
  get pieces(): readonly Buffer[] | null {
    return this.#kind === CHUNKED ? (this.#chunks as ChunkedFraming).pieces : null
  }

  /** Before the body of a request: without a framing field it has none. */
  startRequest({ chunked, contentLength }: RequestHead): void {
    this.bytes = 0
    if (chunked) this.#startChunked()
    else this.#startLength(Math.max(contentLength, 0))
  }

  /** Before the body of a response: without a framing field it ends with the connection. */
  startResponse({ isBodiless, chunked, contentLength }: ResponseHead): void {
    this.bytes = 0
    if (isBodiless) this.#kind = NONE
    else if (chunked) this.#startChunked()
    else if (contentLength >= 0) this.#startLength(contentLength)
    else this.#kind = UNTIL_CLOSE
  }

  #startLength(length: number): void {
    this.#kind = length === 0 ? NONE : LENGTH
    this.#remaining = length
  }

  #startChunked(): void {
    this.#kind = CHUNKED
    this.#chunks ??= new ChunkedFraming(this.#sender, this.#replaced)
    this.#chunks.reset()
  }

  get endsWithConnection(): boolean {
    return this.#kind === UNTIL_CLOSE
  }

  get isChunked(): boolean {
    return this.#kind === CHUNKED
  }

  /** Whether the last byte of the body was seen; never true for one that ends with the connection. */
  get done(): boolean {
    switch (this.#kind) {
      case NONE:
        return true
      case LENGTH:
        return this.#remaining === 0
      case CHUNKED:
        return (this.#chunks as ChunkedFraming).done
      default:
        return false
    }
  }

  /**
   * Takes the next bytes of the connection.
   * @param data called for each range of data in a chunked body; in other bodies all bytes taken are data.
   * @returns the position after the last byte that belongs to the body, or `BROKEN`.
   */
  advance(bytes: Buffer, start: number, end: number, data?: (from: number, to: number) => void): number {
    const position = this.#advance(bytes, start, end, data)
    if (position !== BROKEN) this.bytes += position - start
    return position
  }

  #advance(bytes: Buffer, start: number, end: number, data?: (from: number, to: number) => void): number {
    switch (this.#kind) {
      case NONE:
        return start
      case LENGTH: {
        const to = Math.min(end, start + this.#remaining)
        this.#remaining -= to - start
        return to
      }
      case CHUNKED:
        return (this.#chunks as ChunkedFraming).advance(bytes, start, end, data)
      default:
        return end
    }
  }
}

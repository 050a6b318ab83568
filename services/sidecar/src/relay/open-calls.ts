/** RFC 9113 section 3.4: what every HTTP/2 connection begins with. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
const [DATA, HEADERS, RST_STREAM, SETTINGS] = [0, 1, 3, 4]
const END_STREAM = 1
/** Of a frame, before its payload. */
const HEAD_BYTES = 9
const HIGH_BIT = 0x80
/** A connection with more is not watched any more. Servers allow some hundred (RFC 9113 section 6.5.2). */
const MAX_OPEN = 10_000

/** Reads where frames begin and what their heads say (RFC 9113 section 4.1), whatever pieces they come in. Keeps no bytes. */
class FrameHeads {
  type = 0
  flags = 0
  stream = 0
  /** Bytes of the current head that have come. */
  #have = 0
  #length = 0
  /** Bytes that are left of the payload. */
  #left = 0

  /** @returns the position after the next head that is whole; -1: the bytes end before */
  next(bytes: Uint8Array, from: number): number {
    let at = from
    if (this.#left > 0) {
      const passed = Math.min(this.#left, bytes.length - at)
      this.#left -= passed
      at += passed
    }
    while (at < bytes.length) if (this.#take(bytes[at++] as number)) return at
    return -1
  }

  #take(byte: number): boolean {
    const at = this.#have++
    if (at === 0) this.#length = byte
    else if (at < 3) this.#length = this.#length * 256 + byte
    else if (at === 3) this.type = byte
    else if (at === 4) this.flags = byte
    else if (at === 5) this.stream = byte & ~HIGH_BIT
    else this.stream = this.stream * 256 + byte
    if (this.#have < HEAD_BYTES) return false
    this.#have = 0
    this.#left = this.#length
    return true
  }
}

/**
 * Which calls are open on a connection that turns out to be HTTP/2 without TLS, as gRPC speaks it: requests whose response
 * has not ended. It only watches the bytes that pass. So a drain can tell a quiet call from a connection that is idle.
 */
export class OpenCalls {
  /** Bytes of the preface that the client has sent; all bytes of a connection that is not HTTP/2 are passed unread. */
  #preface = 0
  #isHttp2 = true
  #hasSettings = false
  readonly #fromClient = new FrameHeads()
  readonly #fromUpstream = new FrameHeads()
  readonly #streams = new Set<number>()
  #newest = 0

  get isAny(): boolean {
    return this.#streams.size > 0
  }

  clientSent(bytes: Uint8Array): void {
    let at = 0
    while (this.#isHttp2 && this.#preface < PREFACE.length && at < bytes.length)
      if (bytes[at++] !== PREFACE[this.#preface++]) this.#giveUp()
    if (!this.#isHttp2) return
    const head = this.#fromClient
    for (at = head.next(bytes, at); at !== -1; at = head.next(bytes, at)) {
      if (head.type === RST_STREAM) this.#streams.delete(head.stream)
      else if (head.type === HEADERS) this.#open(head.stream)
    }
  }

  upstreamSent(bytes: Uint8Array): void {
    const head = this.#fromUpstream
    for (let at = 0; this.#isHttp2; ) {
      at = head.next(bytes, at)
      if (at === -1) return
      if (!this.#hasSettings && head.type !== SETTINGS) this.#giveUp() // RFC 9113 section 3.4: it comes first
      this.#hasSettings = true
      const isEnd = (head.type === HEADERS || head.type === DATA) && (head.flags & END_STREAM) !== 0
      if (isEnd || head.type === RST_STREAM) this.#streams.delete(head.stream)
    }
  }

  /** A second HEADERS of a stream has the trailers of the request. */
  #open(stream: number): void {
    if (stream <= this.#newest) return
    this.#newest = stream
    this.#streams.add(stream)
    if (this.#streams.size > MAX_OPEN) this.#giveUp()
  }

  #giveUp(): void {
    this.#isHttp2 = false
    this.#streams.clear()
  }
}

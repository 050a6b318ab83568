import { BodyFraming } from '../http1/body-framing.ts'
import { BROKEN } from '../http1/chunked.ts'
import { COMPOSED_EXTRA, composeRequest, RequestIds } from '../http1/compose-request.ts'
import { GrowingBuffer } from '../http1/growing-buffer.ts'
import { parseRequestHead, type RequestHeadRules } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import { isIdempotent } from '../http1/request-line.ts'
import type { ResponseSource } from './response-taker.ts'

const SCRATCH_BYTES = 65_536

/** Writes request heads for one route, in a buffer that is used again and again. */
export class RequestWriter {
  readonly #ids = new RequestIds()
  /** Given away when the kernel did not take all of it at once. */
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

  /**
   * Sends a head and what came of the body, `bytes[head.end, bodyEnd)`, in one write where they fit together.
   * @returns as `source.write`
   */
  write(
    source: ResponseSource,
    head: RequestHead,
    bytes: Buffer,
    start: number,
    provenance: Buffer,
    bodyEnd: number,
  ): boolean {
    const bodyBytes = bodyEnd - head.end
    const headBytes = head.end - start + provenance.length + COMPOSED_EXTRA
    const out = headBytes <= SCRATCH_BYTES ? this.#scratch : Buffer.allocUnsafe(headBytes)
    const at = composeRequest(out, head, bytes, start, provenance, this.#ids)
    if (at + bodyBytes > out.length)
      return writeApart(source, out.subarray(0, at), bytes.subarray(head.end, bodyEnd))
    const end = bodyBytes === 0 ? at : at + bytes.copy(out, at, head.end, bodyEnd)
    const isReady = source.write(out.subarray(0, end))
    if (source.isWriting) this.#scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    return isReady
  }
}

function writeApart(source: ResponseSource, head: Buffer, body: Buffer): boolean {
  source.cork()
  source.write(Buffer.from(head))
  const isReady = source.write(body)
  source.uncork()
  return isReady
}

/** Heads that no request uses: as many as there were requests at a time, so that an idle connection has none. */
export class SpareHeads {
  readonly #heads: RequestHead[] = []

  take(): RequestHead {
    return this.#heads.pop() ?? new RequestHead()
  }

  give(head: RequestHead): void {
    this.#heads.push(head)
  }
}

const NOTHING: Buffer = Buffer.alloc(0)

/** As much of a body is taken before there is an upstream connection, at most. */
const MAX_GATHERED_BYTES = 16_384

/** Sends one request to the upstream: its head at once, its body as it comes. */
export class RequestSender {
  readonly #rules: RequestHeadRules
  readonly #writer: RequestWriter
  readonly #body = new BodyFraming('client')
  /** Of the request under way, in `#bytes`. */
  #head: RequestHead | null = null
  /** The request as it came, needed until it was sent for good. */
  #bytes = NOTHING
  #start = 0
  #bodyEnd = 0
  #gathered: GrowingBuffer | null = null
  #mayStream = false
  /** By its method (RFC 9110 section 9.2.2). */
  isIdempotent = false
  /** Bytes that were sent are still in use at the upstream's side. */
  isFull = false

  constructor(rules: RequestHeadRules, writer: RequestWriter) {
    this.#rules = rules
    this.#writer = writer
  }

  /** All of the request was received. */
  get isDone(): boolean {
    return this.#body.done
  }

  /** Of the body, its coding included. */
  get bodyBytes(): number {
    return this.#body.bytes
  }

  /**
   * Takes the request that `head` describes, whose bytes begin at `start`.
   * @returns the position after what of `bytes` belongs to it, or `BROKEN`.
   */
  start(head: RequestHead, bytes: Buffer, start: number): number {
    this.#head = head
    this.#bytes = bytes
    this.#start = start
    this.#gathered = null
    this.isFull = false
    this.isIdempotent = isIdempotent(head.method)
    this.#mayStream = head.expectsContinue
    this.#body.startRequest(head)
    this.#bodyEnd = this.#body.advance(bytes, head.end, bytes.length)
    const { pieces } = this.#body
    if (this.#bodyEnd !== BROKEN && pieces !== null) this.#gather(bytes.subarray(start, head.end), ...pieces)
    return this.#bodyEnd
  }

  /**
   * Whether there is enough of the request to make use of an upstream connection: all of it, the first bytes of a body,
   * or, with a method whose body has no meaning, as much of it as is kept.
   */
  get isWorthConnection(): boolean {
    if (this.#body.done || this.#mayStream) return true
    return this.#body.bytes >= (this.isIdempotent ? MAX_GATHERED_BYTES : 1)
  }

  /** Takes more of the body before there is an upstream connection. @returns as `advance` */
  gather(chunk: Buffer): number {
    const position = this.advance(chunk)
    if (position === BROKEN) return BROKEN
    if (this.#gathered === null) this.#gather(this.#bytes.subarray(this.#start, this.#bodyEnd))
    this.#gather(...(this.#body.pieces ?? [chunk.subarray(0, position)]))
    return position
  }

  /** Sends the head, and what came of the body so far. */
  send(source: ResponseSource, provenance: Buffer): void {
    const head = this.#head as RequestHead
    if (this.#gathered !== null) this.#takeGathered(head, this.#gathered)
    this.isFull = !this.#writer.write(source, head, this.#bytes, this.#start, provenance, this.#bodyEnd)
    if (this.#body.done) source.requestSent()
    else this.#bytes = NOTHING
  }

  /** Takes more of the body. @returns the position after what belongs to it, or `BROKEN`. */
  advance(chunk: Buffer): number {
    return this.#body.advance(chunk, 0, chunk.length)
  }

  /** Sends on what `advance` has taken, `chunk[0, position)`. */
  forward(source: ResponseSource, chunk: Buffer, position: number): void {
    const pieces = this.#body.pieces ?? [position === chunk.length ? chunk : chunk.subarray(0, position)]
    for (const piece of pieces) this.isFull = !source.write(piece)
    if (this.#body.done) source.requestSent()
  }

  /** Lets go of the request's bytes. @returns its head, which is nobody's now */
  release(): RequestHead | null {
    const head = this.#head
    this.#head = null
    this.#bytes = NOTHING
    this.#gathered = null
    return head
  }

  #gather(...pieces: Buffer[]): void {
    this.#gathered ??= new GrowingBuffer()
    for (const piece of pieces) this.#gathered.append(piece)
  }

  /** The head is parsed again, for its positions are others there. */
  #takeGathered(head: RequestHead, { bytes }: GrowingBuffer): void {
    this.#bytes = bytes
    this.#start = 0
    this.#bodyEnd = bytes.length
    this.#gathered = null
    parseRequestHead(head, bytes, 0, bytes.length, this.#rules)
  }
}

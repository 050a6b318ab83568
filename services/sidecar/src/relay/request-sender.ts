import { BodyFraming } from '../http1/body-framing.ts'
import { BROKEN } from '../http1/chunked.ts'
import { composedBytes, composeRequest, RequestIds } from '../http1/compose-request.ts'
import { addedBytes, type Destination, SOCKET } from '../http1/destination.ts'
import { GrowingBuffer } from '../http1/growing-buffer.ts'
import { parseRequestHead, type RequestHeadRules } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import { isIdempotent } from '../http1/request-line.ts'
import type { ResponseSource } from './response-taker.ts'

const SCRATCH_BYTES = 65_536

/** Writes request heads for one route, in a buffer that is used again and again. */
export class RequestWriter {
  readonly #ids = new RequestIds()
  /** Replaced when the kernel did not take all of it at once, because the socket still uses it then. */
  #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  readonly #destination: Destination

  constructor(destination: Destination = SOCKET) {
    this.#destination = destination
  }

  /** The serial number of the request id in the head that was written last; -1: the sidecar added none. */
  serialFor({ requestIdStart }: RequestHead): number {
    return requestIdStart < 0 && this.#destination.isToldOrigin ? this.#ids.serial : -1
  }

  idOf(serial: number): string {
    return this.#ids.idOf(serial)
  }

  /**
   * Sends a head and the first bytes of the body, `bytes[head.end, bodyEnd)`, in one write if both fit.
   * @returns as `source.write`
   */
  write(
    source: ResponseSource,
    head: RequestHead,
    bytes: Buffer,
    start: number,
    provenance: Buffer,
    lines: Buffer,
    bodyEnd: number,
  ): boolean {
    const bodyBytes = bodyEnd - head.end
    const added = addedBytes(this.#destination) + lines.length
    const headBytes = composedBytes(head, start, provenance) + added
    const out = headBytes <= SCRATCH_BYTES ? this.#scratch : Buffer.allocUnsafe(headBytes)
    const at = composeRequest(out, head, bytes, start, provenance, this.#ids, this.#destination, lines)
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

/** A pool of head objects, so that an idle connection holds none. It grows to the number of requests at a time. */
export class SpareHeads {
  readonly #heads: RequestHead[] = []

  take(): RequestHead {
    return this.#heads.pop() ?? new RequestHead()
  }

  give(head: RequestHead): void {
    head.target.clear()
    head.normalPath = null
    this.#heads.push(head)
  }
}

const NOTHING: Buffer = Buffer.alloc(0)

/** Bytes of a body that are kept before there is an upstream connection, at most. */
const MAX_GATHERED_BYTES = 16_384

/** Sends one request to the upstream: the head at once, the body as it comes. */
export class RequestSender {
  readonly #rules: RequestHeadRules
  readonly #writer: RequestWriter
  readonly #body: BodyFraming
  /** The head of the current request; its positions are those of `#bytes`. */
  #head: RequestHead | null = null
  /** The request as it came. It is kept until it cannot be needed for a second attempt. */
  #bytes = NOTHING
  #start = 0
  #bodyEnd = 0
  #gathered: GrowingBuffer | null = null
  #mayStream = false
  /** What the sidecar has added to identify the request; -1: nothing. */
  #serial = -1
  #isAuthorizationWithheld = false
  /** The method is idempotent (RFC 9110 section 9.2.2). */
  isIdempotent = false
  /** The upstream's socket has not taken all that was sent. */
  isFull = false

  constructor(rules: RequestHeadRules, writer: RequestWriter) {
    this.#rules = rules
    this.#body = new BodyFraming('client', rules.replaced)
    this.#writer = writer
  }

  /** All of the request was received. */
  get isDone(): boolean {
    return this.#body.done
  }

  /** Bytes of the body so far, the chunked coding included. */
  get bodyBytes(): number {
    return this.#body.bytes
  }

  /**
   * Takes the request of `head`, whose bytes begin at `start`.
   * @returns the position after the bytes that belong to the request, or `BROKEN`.
   */
  start(head: RequestHead, bytes: Buffer, start: number): number {
    this.#head = head
    this.#bytes = bytes
    this.#start = start
    this.#gathered = null
    this.#serial = -1
    this.#isAuthorizationWithheld = false
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
   * Whether enough of the request is here to take an upstream connection for it: all of it, or the first bytes of a
   * body. With an idempotent method the body is kept first, as much as is allowed: then the request can be sent twice.
   */
  get isWorthConnection(): boolean {
    if (this.#body.done || this.#mayStream) return true
    return this.#body.bytes >= (this.isIdempotent ? MAX_GATHERED_BYTES : 1)
  }

  /** Keeps more of the body while there is no upstream connection. @returns as `advance` */
  gather(chunk: Buffer): number {
    const position = this.advance(chunk)
    if (position === BROKEN) return BROKEN
    if (this.#gathered === null) this.#gather(this.#bytes.subarray(this.#start, this.#bodyEnd))
    this.#gather(...(this.#body.pieces ?? [chunk.subarray(0, position)]))
    return position
  }

  /** A copy of the head as it came. Only valid before the request is sent. */
  copyHead(): Buffer {
    const head = this.#head as RequestHead
    return Buffer.from(this.#bytes.subarray(this.#start, head.end))
  }

  /** `Authorization` is not forwarded, however often the request is sent. */
  withholdAuthorization(): void {
    this.#isAuthorizationWithheld = true
  }

  /** The id that the sidecar gave the request; null: it has one of its client, or was not sent. */
  get givenId(): string | null {
    return this.#serial < 0 ? null : this.#writer.idOf(this.#serial)
  }

  /** Sends the head, and the part of the body that is here. @param lines more lines of the head */
  send(source: ResponseSource, provenance: Buffer, lines: Buffer): void {
    const head = this.#head as RequestHead
    if (this.#gathered !== null) this.#takeGathered(head, this.#gathered)
    if (this.#isAuthorizationWithheld) head.withholdAuthorization(this.#bytes)
    this.isFull = !this.#writer.write(
      source,
      head,
      this.#bytes,
      this.#start,
      provenance,
      lines,
      this.#bodyEnd,
    )
    this.#serial = this.#writer.serialFor(head)
    if (this.#body.done) source.requestSent()
    else this.#bytes = NOTHING
  }

  /** Takes more of the body. @returns the position after the bytes that belong to it, or `BROKEN`. */
  advance(chunk: Buffer): number {
    return this.#body.advance(chunk, 0, chunk.length)
  }

  /** Forwards the bytes that `advance` has taken, `chunk[0, position)`. */
  forward(source: ResponseSource, chunk: Buffer, position: number): void {
    const pieces = this.#body.pieces ?? [position === chunk.length ? chunk : chunk.subarray(0, position)]
    for (const piece of pieces) this.isFull = !source.write(piece)
    if (this.#body.done) source.requestSent()
  }

  /** Forgets the request. @returns its head, for the next request */
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

  /** Parses the head again: its positions have changed in the new buffer. */
  #takeGathered(head: RequestHead, { bytes }: GrowingBuffer): void {
    this.#bytes = bytes
    this.#start = 0
    this.#bodyEnd = bytes.length
    this.#gathered = null
    parseRequestHead(head, bytes, 0, bytes.length, this.#rules)
  }
}

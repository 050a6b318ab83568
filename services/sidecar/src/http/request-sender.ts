import type { AnswerSource } from './answer-taker.ts'
import { BodyFraming } from './body/body-framing.ts'
import { isIdempotent } from './head/method.ts'
import { parseRequestHead } from './head/parse-request-head.ts'
import { RequestHead } from './head/request-head.ts'
import { writeRequest } from './write-request.ts'

const NOTHING: Buffer = Buffer.alloc(0)

/** The head that was parsed last, and whose it is: one for all, parsed again when another came between. */
export const parsed = { head: new RequestHead(), by: null as RequestSender | null }

/** Sends one request to the upstream: its head at once, its body as it comes. */
export class RequestSender {
  readonly #body = new BodyFraming()
  /** The request as it came, needed until it was sent for good. */
  #bytes = NOTHING
  #start = 0
  #bodyEnd = 0
  /** Bytes that were sent are still in use at the upstream's side. */
  isFull = false

  /** All of the request was received. */
  get isDone(): boolean {
    return this.#body.done
  }

  /** Of the body, its coding included. */
  get bodyBytes(): number {
    return this.#body.bytes
  }

  /**
   * Takes the request that `parsed.head` describes, whose bytes begin at `start`.
   * @returns the position after what of `bytes` belongs to it, or `BROKEN`.
   */
  start(bytes: Buffer, start: number): number {
    const { head } = parsed
    parsed.by = this
    this.#bytes = bytes
    this.#start = start
    this.isFull = false
    if (head.chunked) this.#body.startChunked()
    else if (head.contentLength > 0) this.#body.startLength(head.contentLength)
    else this.#body.startNone()
    this.#bodyEnd = this.#body.advance(bytes, head.end, bytes.length)
    return this.#bodyEnd
  }

  /** Whether the request may be sent a second time (RFC 9110 section 9.2.2), having no body that is gone by then. */
  get isRepeatable(): boolean {
    return this.#body.bytes === 0 && this.#body.done && isIdempotent(parsed.head.method)
  }

  /** Sends the head, and what came of the body with it. */
  send(source: AnswerSource, provenance: Buffer): void {
    if (parsed.by !== this) this.#parseAgain()
    source.requestDone = this.#body.done
    this.isFull = !writeRequest(source, parsed.head, this.#bytes, this.#start, provenance, this.#bodyEnd)
    if (!this.#body.done) this.#bytes = NOTHING
  }

  /** Takes more of the body. @returns the position after what belongs to it, or `BROKEN`. */
  advance(chunk: Buffer): number {
    return this.#body.advance(chunk, 0, chunk.length)
  }

  /** Sends on what `advance` has taken. */
  forward(source: AnswerSource, bytes: Buffer): void {
    this.isFull = !source.write(bytes)
    source.requestDone = this.#body.done
  }

  /** Lets go of the request's bytes. */
  release(): void {
    this.#bytes = NOTHING
  }

  #parseAgain(): void {
    parseRequestHead(parsed.head, this.#bytes, this.#start, this.#bytes.length)
    parsed.by = this
  }
}

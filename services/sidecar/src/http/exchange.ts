import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { bodyTooLarge, denialOf } from './admission.ts'
import type { AnswerSource } from './answer-taker.ts'
import { BodyFraming } from './body/body-framing.ts'
import { BROKEN, ChunkedFraming } from './body/chunked.ts'
import type { ClientConnection } from './client-connection.ts'
import { coalescingKey } from './coalesce/coalescing-key.ts'
import type { Member } from './coalesce/shared-answer.ts'
import { isIdempotent } from './head/method.ts'
import { parseRequestHead } from './head/parse-request-head.ts'
import { RequestHead } from './head/request-head.ts'
import { hasNoBody, type ResponseHead } from './head/response-head.ts'
import { rewriteResponse } from './head/rewrite-response.ts'
import type { HttpContext } from './http-context.ts'
import { problemAnswer, statusOf } from './problem-answer.ts'
import { clientTooSlow, queueFull, requestBodyBroken, upstreamTooSlow } from './request-failures.ts'
import { composeAlone, writeRequest } from './write-request.ts'

/** No request. */
const NONE = 0
/** The request is on its way, and no response head has come. */
const WAITING = 1
/** The response head was forwarded: nothing else can be answered any more. */
const ANSWERING = 2

/** As nginx counts a client that left before its answer. */
const CLIENT_LEFT = 499
/** Prometheus gives up after its scrape timeout; the answer must be there a little before. */
const SCRAPE_MARGIN_MS = 250

const CLOSE = Buffer.from('Connection: close\r\n')
const KEEP_ALIVE = Buffer.from('Connection: keep-alive\r\n')
const NOTHING: Buffer = Buffer.alloc(0)

/** The head that was parsed last, and whose it is; parsed again when another came between. */
export const parsed = { head: new RequestHead(), by: null as Exchange | null }

/** One request and its answer; a connection has one of these and uses it for one request after the other. */
export class Exchange implements Member {
  method = 'GET'
  readonly #client: ClientConnection
  readonly #context: HttpContext
  readonly #requestBody = new BodyFraming()
  #phase: number = NONE
  #source: AnswerSource | null = null
  /** The request as it came, needed until it was sent for good. */
  #bytes = NOTHING
  #start = 0
  #bodyEnd = 0
  #minor = 1
  #persistent = false
  #isRetriable = false
  #status = 0
  #startedMs = 0
  #totalDueMs = 0
  /** The client's socket still uses bytes that were lent. */
  #isClientFull = false
  #isUpstreamFull = false
  /** For a client of HTTP/1.0, which knows no chunks. */
  #decoder: ChunkedFraming | null = null

  constructor(client: ClientConnection, context: HttpContext) {
    this.#client = client
    this.#context = context
  }

  /** The request was received whole. */
  get isRequestDone(): boolean {
    return this.#requestBody.done
  }

  /**
   * Takes the request that `parsed.head` describes, whose bytes begin at `start`.
   * @returns the position after what of `bytes` belongs to it.
   */
  start(bytes: Buffer, start: number): number {
    const { head } = parsed
    parsed.by = this
    this.method = head.method
    this.#minor = head.minor
    this.#persistent = head.persistent
    this.#startedMs = performance.now()
    this.#startBody(head)
    const position = this.#requestBody.advance(bytes, head.end, bytes.length)
    const denial = denialOf(this.#context.allow, this.#context.route.limits.bodyBytes, head, bytes)
    this.#phase = WAITING
    if (denial !== null) this.#answer(denial.failure, denial.allow)
    else if (position === BROKEN) this.#answer(requestBodyBroken())
    else this.#dispatch(head, bytes, start, position)
    return position === BROKEN ? bytes.length : position
  }

  #startBody(head: RequestHead): void {
    if (head.chunked) this.#requestBody.startChunked()
    else if (head.contentLength > 0) this.#requestBody.startLength(head.contentLength)
    else this.#requestBody.startNone()
  }

  #dispatch(head: RequestHead, bytes: Buffer, start: number, bodyEnd: number): void {
    const { deadlines, route } = this.#context
    const { total, responseHead, body } = route.timeoutsMs
    this.#bytes = bytes
    this.#start = start
    this.#bodyEnd = bodyEnd
    this.#isRetriable = head.contentLength <= 0 && !head.chunked && isIdempotent(head.method)
    this.#isUpstreamFull = false
    this.#totalDueMs = deadlines.nowMs + Math.min(total, scrapeLimit(head.scrapeTimeoutMs))
    this.#allow(this.#requestBody.done ? responseHead : body)
    if (!this.#requestBody.done) this.#client.pauseReading()
    if (!this.#ask(head)) this.#answer(queueFull(route.limits.queue))
  }

  /** Asks the upstream, or joins those that have asked the same. */
  #ask(head: RequestHead): boolean {
    const { pool, coalescer } = this.#context
    const key = coalescer === null ? null : coalescingKey(head, this.#bytes)
    if (coalescer === null || key === null) return pool.acquire(this)
    return coalescer.join(key, this, () =>
      composeAlone(head, this.#bytes, this.#start, this.#client.provenance),
    )
  }

  follow(source: AnswerSource): void {
    this.#source = source
  }

  /** From now on `ms` for the next step, within the time for the whole. */
  #allow(ms: number): void {
    this.#client.allow(Math.min(ms, this.#totalDueMs - this.#context.deadlines.nowMs))
  }

  begin(source: AnswerSource): void {
    if (this.#phase !== WAITING) {
      source.cancel(this)
      return
    }
    this.#source = source
    if (parsed.by !== this) {
      parseRequestHead(parsed.head, this.#bytes, this.#start, this.#bytes.length)
      parsed.by = this
    }
    source.requestDone = this.#requestBody.done
    const isReady = writeRequest(
      source,
      parsed.head,
      this.#bytes,
      this.#start,
      this.#client.provenance,
      this.#bodyEnd,
    )
    if (this.#requestBody.done) return
    this.#bytes = NOTHING
    if (isReady) this.#client.resumeReading()
    else this.#isUpstreamFull = true
  }

  /** More of the request's body. @returns the position after what belongs to it. */
  receive(chunk: Buffer): number {
    const { bodyBytes } = this.#context.route.limits
    const position = this.#requestBody.advance(chunk, 0, chunk.length)
    if (position === BROKEN) this.#giveUp(requestBodyBroken())
    else if (this.#requestBody.bytes > bodyBytes) this.#giveUp(bodyTooLarge(bodyBytes))
    else this.#forward(position === chunk.length ? chunk : chunk.subarray(0, position))
    return position === BROKEN ? chunk.length : position
  }

  #forward(bytes: Buffer): void {
    const source = this.#source
    if (source === null) return
    const { body, responseHead } = this.#context.route.timeoutsMs
    this.#isUpstreamFull = !source.write(bytes)
    source.requestDone = this.#requestBody.done
    if (this.#phase === WAITING) this.#allow(source.requestDone ? responseHead : body)
    if (this.#isUpstreamFull && !source.requestDone) this.#client.pauseReading()
  }

  requestDrained(): void {
    if (!this.#isUpstreamFull) return
    this.#isUpstreamFull = false
    this.#client.resumeReading()
  }

  takeInterim(bytes: Buffer, start: number, end: number): void {
    if (this.#minor === 1) this.#client.write(Buffer.from(bytes.subarray(start, end)))
  }

  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    const hasChunks = head.chunked && !hasNoBody(this.method, head.status)
    this.#phase = ANSWERING
    this.#status = head.status
    if (head.endsWithConnection(this.method) || !this.#requestBody.done) this.#persistent = false
    if (hasChunks && this.#minor === 0) this.#takeHeadDecoding(head, bytes, start, end)
    else this.#send(bytes, rewriteResponse(bytes, start, head, this.#connectionLine()), end)
  }

  #connectionLine(): Buffer | null {
    this.#persistent &&= this.#client.mayPersist
    if (!this.#persistent) return CLOSE
    return this.#minor === 0 ? KEEP_ALIVE : null
  }

  #takeHeadDecoding(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    this.#persistent = false
    this.#decoder = new ChunkedFraming()
    head.dropTransferEncoding()
    const rest = Buffer.from(bytes.subarray(head.end, end))
    this.#send(bytes, rewriteResponse(bytes, start, head, CLOSE), head.end)
    this.takeBody(rest, 0, rest.length)
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    if (this.#decoder === null) this.#send(bytes, start, end)
    else this.#decoder.advance(bytes, start, end, (from, to) => this.#send(bytes, from, to))
  }

  #send(bytes: Buffer, start: number, end: number): void {
    if (start === end) return
    this.#client.write(bytes.subarray(start, end))
    this.#allow(this.#context.route.timeoutsMs.body)
    if (!this.#client.isFull) return
    this.#source?.pause(this)
    if (!this.#isClientFull) this.#client.whenFlushed()
    this.#isClientFull = true
  }

  /** The client's socket has taken what was written before it became full; perhaps also what was written since. */
  clientFlushed(): void {
    this.#isClientFull = this.#client.isFull
    if (this.#isClientFull) this.#client.whenFlushed()
    else this.#goOn()
  }

  #goOn(): void {
    if (this.#phase !== ANSWERING) return
    this.#allow(this.#context.route.timeoutsMs.body)
    this.#source?.resume(this)
  }

  finish(): void {
    this.#end()
    this.#client.answered(this.#persistent)
  }

  fail(failure: Failure, isRetriable: boolean): void {
    if (this.#phase === NONE) return
    this.#source = null
    if (isRetriable && this.#isRetriable && this.#phase === WAITING) this.#retry()
    else this.#giveUp(failure)
  }

  #retry(): void {
    const { pool, route } = this.#context
    this.#isRetriable = false
    if (!pool.acquire(this, true)) this.#giveUp(queueFull(route.limits.queue))
  }

  /** Answers with a problem while that is possible, else cuts the connection. */
  #giveUp(failure: Failure): void {
    this.#dropSource()
    if (this.#phase === WAITING) this.#answer(failure)
    else {
      this.#context.counters.fail(failure.code)
      this.#end()
      this.#client.reset()
    }
  }

  #answer(failure: Failure, allow?: string): void {
    const close = !(this.#persistent && this.#requestBody.done && this.#client.mayPersist)
    this.#status = statusOf(failure)
    this.#context.counters.fail(failure.code)
    this.#client.write(problemAnswer(failure, { close, headOnly: this.method === 'HEAD', allow }))
    this.#end()
    this.#client.answered(!close)
  }

  #end(): void {
    this.#context.counters.answered(this.method, this.#status, performance.now() - this.#startedMs)
    this.#phase = NONE
    this.#source = null
    this.#bytes = NOTHING
  }

  #dropSource(): void {
    const source = this.#source
    this.#source = null
    if (source === null) this.#context.pool.forget(this)
    else source.cancel(this)
  }

  /** The client's connection is gone: its answer is not wanted any more. */
  clientGone(): void {
    if (this.#phase === NONE) return
    this.#dropSource()
    if (this.#phase === WAITING) this.#status = CLIENT_LEFT
    this.#end()
  }

  /** The client has ended its side and may still wait for the answer, or be gone: nobody can tell. */
  clientEnded(): void {
    if (this.#phase === WAITING) this.#allow(this.#context.route.timeoutsMs.halfClosed)
  }

  /** The time allowed for this step is over. */
  expire(): void {
    const { pool, route } = this.#context
    const isClientSlow = this.#isClientFull || (!this.#requestBody.done && !this.#isUpstreamFull)
    if (this.#phase === WAITING && this.#client.hasEnded) this.#client.reset()
    else if (pool.forget(this)) this.#answer(queueFull(route.limits.queue))
    else this.#giveUp(isClientSlow ? clientTooSlow() : upstreamTooSlow(pool.name))
  }
}

/** Milliseconds for the whole exchange, so that the answer is there before the scraper gives up. */
function scrapeLimit(scrapeTimeoutMs: number): number {
  if (scrapeTimeoutMs === 0) return Number.POSITIVE_INFINITY
  return Math.max(scrapeTimeoutMs - SCRAPE_MARGIN_MS, scrapeTimeoutMs / 2)
}

import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { bodyTooLarge, denialOf } from './admission.ts'
import type { AnswerSource, AnswerTaker } from './answer-taker.ts'
import { BROKEN } from './body/chunked.ts'
import type { ClientConnection } from './client-connection.ts'
import type { RequestHead } from './head/request-head.ts'
import type { ResponseHead } from './head/response-head.ts'
import { scrapeLimit } from './head/scrape-timeout.ts'
import type { HttpContext } from './http-context.ts'
import { Reply } from './reply.ts'
import { clientTooSlow, queueFull, requestBodyBroken, upstreamTooSlow } from './request-failures.ts'
import { parsed, RequestSender } from './request-sender.ts'

/** One request and its answer; a connection has one of these and uses it for one request after the other. */
export class Exchange implements AnswerTaker {
  readonly #client: ClientConnection
  readonly #context: HttpContext
  readonly #request = new RequestSender()
  readonly #reply: Reply
  #source: AnswerSource | null = null
  #isOver = true
  #isRepeatable = false
  #totalDueMs = 0

  constructor(client: ClientConnection, context: HttpContext) {
    this.#client = client
    this.#context = context
    this.#reply = new Reply(client.socket, context.counters, this)
  }

  get method(): string {
    return this.#reply.method
  }

  /** The request was received whole. */
  get isRequestDone(): boolean {
    return this.#request.isDone
  }

  /**
   * Takes the request that `parsed.head` describes, whose bytes begin at `start`.
   * @returns the position after what of `bytes` belongs to it.
   */
  start(bytes: Buffer, start: number): number {
    const { head } = parsed
    this.#isOver = false
    this.#reply.start(head)
    const position = this.#request.start(bytes, start)
    const { bodyBytes } = this.#context.route.limits
    const denial = denialOf(this.#context.allow, bodyBytes, head, bytes)
    if (denial !== null) this.#answer(denial.failure, denial.allow)
    else if (position === BROKEN) this.#answer(requestBodyBroken())
    else if (this.#request.bodyBytes > bodyBytes) this.#answer(bodyTooLarge(bodyBytes))
    else this.#dispatch(head)
    return position === BROKEN ? bytes.length : position
  }

  #dispatch(head: RequestHead): void {
    const { deadlines, route } = this.#context
    const { total, responseHead, body } = route.timeoutsMs
    this.#isRepeatable = this.#request.isRepeatable
    this.#totalDueMs = deadlines.nowMs + Math.min(total, scrapeLimit(head.scrapeTimeoutMs))
    this.#allow(this.#request.isDone ? responseHead : body)
    if (!this.#request.isDone) this.#client.socket.pause()
    if (!this.#context.pool.acquire(this)) this.#answer(queueFull(route.limits.queue))
  }

  /** From now on `ms` for the next step, within the time for the whole. */
  #allow(ms: number): void {
    this.#client.allow(Math.min(ms, this.#totalDueMs - this.#context.deadlines.nowMs))
  }

  begin(source: AnswerSource): void {
    if (this.#isOver) source.cancel(this)
    else this.#send(source)
  }

  #send(source: AnswerSource): void {
    this.#source = source
    this.#reply.follow(source)
    this.#request.send(source, this.#client.socket.provenance)
    if (!this.#request.isDone && !this.#request.isFull) this.#client.socket.resume()
  }

  /** More of the request's body. @returns the position after what belongs to it. */
  receive(chunk: Buffer): number {
    const { bodyBytes } = this.#context.route.limits
    const position = this.#request.advance(chunk)
    if (position === BROKEN) this.#giveUp(requestBodyBroken())
    else if (this.#request.bodyBytes > bodyBytes) this.#giveUp(bodyTooLarge(bodyBytes))
    else this.#forward(position === chunk.length ? chunk : chunk.subarray(0, position))
    return position === BROKEN ? chunk.length : position
  }

  #forward(bytes: Buffer): void {
    const { body, responseHead } = this.#context.route.timeoutsMs
    if (this.#source === null) return
    this.#request.forward(this.#source, bytes)
    if (!this.#reply.hasBegun) this.#allow(this.#request.isDone ? responseHead : body)
    if (this.#request.isFull && !this.#request.isDone) this.#client.socket.pause()
  }

  requestDrained(): void {
    if (!this.#request.isFull) return
    this.#request.isFull = false
    this.#client.socket.resume()
  }

  takeInterim(bytes: Buffer, start: number, end: number): void {
    this.#reply.takeInterim(bytes, start, end)
  }

  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    this.#reply.takeHead(head, bytes, start, end, this.#mayPersist)
    this.#allow(this.#context.route.timeoutsMs.body)
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    this.#reply.takeBody(bytes, start, end)
    this.#allow(this.#context.route.timeoutsMs.body)
  }

  get #mayPersist(): boolean {
    return this.#request.isDone && this.#client.mayPersist
  }

  /** The client's socket has taken what was written. */
  clientFlushed(): void {
    this.#reply.flushed()
    if (!this.#isOver) this.#allow(this.#context.route.timeoutsMs.body)
  }

  finish(): void {
    this.#end()
    this.#client.answered(this.#reply.persistent)
  }

  fail(failure: Failure, isRetriable: boolean): void {
    if (this.#isOver) return
    this.#source = null
    if (isRetriable && this.#isRepeatable && !this.#reply.hasBegun) this.#repeat()
    else this.#giveUp(failure)
  }

  #repeat(): void {
    const { pool, route } = this.#context
    this.#isRepeatable = false
    if (!pool.acquire(this, true)) this.#giveUp(queueFull(route.limits.queue))
  }

  /** Answers with a problem while that is possible, else cuts the connection. */
  #giveUp(failure: Failure): void {
    this.#dropSource()
    if (this.#reply.hasBegun) this.#cut(failure)
    else this.#answer(failure)
  }

  #cut({ code }: Failure): void {
    this.#context.counters.fail(code)
    this.#end()
    this.#client.socket.reset()
  }

  #answer(failure: Failure, allow?: string): void {
    this.#reply.problem(failure, this.#mayPersist, allow)
    this.finish()
  }

  #end(): void {
    this.#isOver = true
    this.#source = null
    this.#reply.end()
    this.#request.release()
  }

  #dropSource(): void {
    const source = this.#source
    this.#source = null
    if (source === null) this.#context.pool.forget(this)
    else source.cancel(this)
  }

  /** The client's connection is gone: its answer is not wanted any more. */
  clientGone(): void {
    if (this.#isOver) return
    this.#dropSource()
    this.#end()
  }

  /** The client has ended its side and may still wait for the answer, or be gone: nobody can tell. */
  clientEnded(): void {
    if (!this.#reply.hasBegun) this.#allow(this.#context.route.timeoutsMs.halfClosed)
  }

  /** The time allowed for this step is over. */
  expire(): void {
    const { pool, route } = this.#context
    const isClientSlow = this.#reply.isFull || (!this.#request.isDone && !this.#request.isFull)
    if (!this.#reply.hasBegun && this.#client.socket.hasEnded) this.#client.socket.reset()
    else if (pool.forget(this)) this.#answer(queueFull(route.limits.queue))
    else if (isClientSlow) this.#giveUp(clientTooSlow())
    else this.#blame(upstreamTooSlow(pool.name))
  }

  #blame(failure: Failure): void {
    this.#context.pool.failed(failure, false)
    this.#giveUp(failure)
  }
}

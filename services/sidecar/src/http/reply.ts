import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { RouteCounters } from '../metrics/route-counters.ts'
import type { AnswerSource, AnswerTaker } from './answer-taker.ts'
import { ChunkedFraming } from './body/chunked.ts'
import type { ClientSocket } from './client-socket.ts'
import type { RequestHead } from './head/request-head.ts'
import { hasNoBody, type ResponseHead } from './head/response-head.ts'
import { rewriteResponse } from './head/rewrite-response.ts'
import { problemAnswer, statusOf } from './problem-answer.ts'

const CLOSE = Buffer.from('Connection: close\r\n')
const KEEP_ALIVE = Buffer.from('Connection: keep-alive\r\n')

/** As nginx counts a client that left before its answer. */
const CLIENT_LEFT = 499

/** What a client gets for one request: the upstream's answer as it comes, or a problem; counted once. */
export class Reply {
  method = 'GET'
  /** Another request may follow on the client's connection, as far as this one and its answer say. */
  persistent = false
  /** The client's socket still uses bytes that were lent. */
  isFull = false
  readonly #client: ClientSocket
  readonly #counters: RouteCounters
  readonly #taker: AnswerTaker
  #source: AnswerSource | null = null
  /** Minor version of the client. */
  #minor = 1
  #status = 0
  #startedMs = 0
  /** For a client of HTTP/1.0, which knows no chunks. */
  #decoder: ChunkedFraming | null = null

  constructor(client: ClientSocket, counters: RouteCounters, taker: AnswerTaker) {
    this.#client = client
    this.#counters = counters
    this.#taker = taker
  }

  start({ method, minor, persistent }: RequestHead): void {
    this.method = method
    this.persistent = persistent
    this.#minor = minor
    this.#status = 0
    this.#decoder = null
    this.#startedMs = performance.now()
  }

  /** The head was forwarded: nothing else can be said any more. */
  get hasBegun(): boolean {
    return this.#status !== 0
  }

  /** Where the answer comes from, to be held back while the client does not keep up. */
  follow(source: AnswerSource | null): void {
    this.#source = source
  }

  takeInterim(bytes: Buffer, start: number, end: number): void {
    if (this.#minor === 1) this.#client.write(Buffer.from(bytes.subarray(start, end)))
  }

  /** @param mayPersist as far as the connection says. */
  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number, mayPersist: boolean): void {
    const mustDecode = head.chunked && this.#minor === 0 && !hasNoBody(this.method, head.status)
    this.#status = head.status
    this.persistent &&= mayPersist && !mustDecode && head.isDelimited(this.method)
    if (mustDecode) this.#takeHeadDecoding(head, bytes, start, end)
    else this.#write(bytes, rewriteResponse(bytes, start, head, this.#connectionLine()), end)
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    if (this.#decoder === null) this.#write(bytes, start, end)
    else this.#decoder.advance(bytes, start, end, (from, to) => this.#write(bytes, from, to))
  }

  /** The client's socket has taken what was written before it became full; perhaps also what was written since. */
  flushed(): void {
    this.isFull = this.#client.isFull
    if (this.isFull) this.#client.whenFlushed()
    else this.#source?.resume(this.#taker)
  }

  /** The whole answer. @param allow for the field of a 405. */
  problem(failure: Failure, mayPersist: boolean, allow?: string): void {
    this.persistent &&= mayPersist
    this.#status = statusOf(failure)
    this.#counters.fail(failure.code)
    const options = { close: !this.persistent, headOnly: this.method === 'HEAD', allow }
    this.#client.write(problemAnswer(failure, options))
  }

  /** Counts it, whatever became of it. */
  end(): void {
    const status = this.#status === 0 ? CLIENT_LEFT : this.#status
    this.#counters.answered(this.method, status, performance.now() - this.#startedMs)
    this.#source = null
  }

  #connectionLine(): Buffer | null {
    if (!this.persistent) return CLOSE
    return this.#minor === 0 ? KEEP_ALIVE : null
  }

  #takeHeadDecoding(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    const rest = Buffer.from(bytes.subarray(head.end, end))
    this.#decoder = new ChunkedFraming()
    head.dropTransferEncoding()
    this.#write(bytes, rewriteResponse(bytes, start, head, CLOSE), head.end)
    this.takeBody(rest, 0, rest.length)
  }

  #write(bytes: Buffer, start: number, end: number): void {
    if (start === end) return
    this.#client.write(bytes.subarray(start, end))
    if (this.#client.isFull) this.#hold()
  }

  #hold(): void {
    this.#source?.pause(this.#taker)
    if (!this.isFull) this.#client.whenFlushed()
    this.isFull = true
  }
}

import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { ClientSocket } from './client-socket.ts'
import type { ExchangeTime } from './exchange-time.ts'
import type { HttpRelay } from './http-relay.ts'
import type { Moments } from './moments.ts'
import { queueFull } from './relay-failures.ts'
import type { RequestSender } from './request-sender.ts'
import type { ResponseSender } from './response-sender.ts'
import type { ResponseSource, ResponseTaker } from './response-taker.ts'
import { Retry } from './retry.ts'

/** The exchange whose request is delivered, and its other parts. */
export interface DeliveryParts {
  readonly exchange: ResponseTaker
  readonly client: ClientSocket
  readonly relay: HttpRelay
  readonly request: RequestSender
  readonly response: ResponseSender
  readonly time: ExchangeTime
  readonly moments: Moments
}

/**
 * The way of a request to the upstream, in this order: it is gathered until it is worth a connection, waits for one in the
 * pool, and is sent; a second time where that is safe. The client is read only while its bytes can be taken.
 */
export class RequestDelivery {
  readonly #parts: DeliveryParts
  readonly #retry = new Retry()
  /** Takes more of the body before it asks for an upstream connection. */
  #isGathering = false
  /** The connection that has the request. */
  #source: ResponseSource | null = null

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** As {@link ResponseTaker.needsFresh}. */
  get needsFresh(): boolean {
    return this.#retry.needsFresh
  }

  /** Asks for an upstream connection once enough of the request is here. @returns why it gets none, or null */
  start(): Failure | null {
    const { request, time } = this.#parts
    this.#isGathering = !request.isWorthConnection
    if (!this.#isGathering) return this.#ask()
    time.allowForBody()
    return null
  }

  #ask(): Failure | null {
    const { client, request, time, moments } = this.#parts
    this.#retry.start(request)
    moments.ask()
    time.allowForRest()
    if (!request.isDone) client.pause('exchange')
    return this.#acquire()
  }

  #acquire(): Failure | null {
    const { exchange, relay } = this.#parts
    return relay.pool.acquire(exchange) ? null : queueFull(relay.route.limits.queue)
  }

  /** Takes the request out of the queue of the pool. @returns false when it was not in it */
  leaveQueue(): boolean {
    const { exchange, relay } = this.#parts
    return relay.pool.forget(exchange)
  }

  /** Sends the request on a connection, as `RequestSender.send`. */
  send(source: ResponseSource, provenance: Buffer, lines: Buffer): void {
    const { client, request, time, moments } = this.#parts
    this.#source = source
    time.restartWait()
    moments.begin()
    request.send(source, provenance, lines)
    if (!request.isDone && !request.isFull) client.resume('exchange')
  }

  /** Takes more of the body; `proceed` follows. @returns the position after the bytes that belong to it, or `BROKEN` */
  take(chunk: Buffer): number {
    const { request } = this.#parts
    return this.#isGathering ? request.gather(chunk) : request.advance(chunk)
  }

  /** Forwards what was taken, `chunk[0, position)`, or gathers on. @returns as `start` */
  proceed(chunk: Buffer, position: number): Failure | null {
    if (this.#isGathering) return this.start()
    if (this.#source !== null) this.#forward(this.#source, chunk, position)
    return null
  }

  #forward(source: ResponseSource, chunk: Buffer, position: number): void {
    const { client, request, response, time, moments } = this.#parts
    time.clientMoved(position)
    request.forward(source, chunk, position)
    moments.send()
    if (!response.hasBegun) time.allowForRest()
    if (request.isFull && !request.isDone) client.pause('exchange')
  }

  /** The upstream can take more of the body. */
  drained(): void {
    const { client, request, time } = this.#parts
    if (!request.isFull) return
    request.isFull = false
    time.restartWait()
    client.resume('exchange')
  }

  /** The connection failed. @returns why the request is not sent again; null: it is */
  retry(failure: Failure, wasIdle: boolean): Failure | null {
    this.#source = null
    if (!this.#retry.take(failure, wasIdle)) return failure
    this.#parts.moments.ask()
    return this.#acquire()
  }

  /** As {@link ResponseTaker.stalledMs}. */
  stalledMs(nowMs: number): number {
    return this.#source === null ? 0 : this.#parts.time.stalledMs(nowMs)
  }

  /** Nobody wants the response any more. */
  cancel(): void {
    const source = this.#source
    this.#source = null
    if (source === null) this.leaveQueue()
    else source.cancel()
  }

  /** There is nothing more to send: the response is whole. */
  end(): void {
    this.#isGathering = false
    this.#source = null
  }
}

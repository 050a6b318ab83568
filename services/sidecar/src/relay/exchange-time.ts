import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { ExchangeTunnel } from './exchange-tunnel.ts'
import type { HttpRelay } from './http-relay.ts'
import { clientTooSlow, cutByDrain, scraperTooHasty, upstreamTooSlow } from './relay-failures.ts'
import type { RequestSender } from './request-sender.ts'
import type { ResponseSender } from './response-sender.ts'
import type { ExchangeClient } from './response-taker.ts'
import { Pace } from './slow-clients.ts'

/** A scraper that waits for less says nothing about the upstream when it gets no response in time. */
const MIN_BLAME_MS = 500

/** The response must be there a little before the scraper gives up. */
const MARGIN_MS = 250

/**
 * How much time an exchange has: for the whole request, and for its current step. When a step has taken too long, it
 * decides whose fault that is.
 */
export class ExchangeTime {
  readonly #client: ExchangeClient
  readonly #relay: HttpRelay
  readonly #request: RequestSender
  readonly #response: ResponseSender
  readonly #tunnel: ExchangeTunnel
  /** How long the client has kept the request waiting. */
  readonly #pace = new Pace()
  #dueMs = 0
  #scrapeTimeoutMs = 0

  constructor(
    client: ExchangeClient,
    relay: HttpRelay,
    request: RequestSender,
    response: ResponseSender,
    tunnel: ExchangeTunnel,
  ) {
    this.#client = client
    this.#relay = relay
    this.#request = request
    this.#response = response
    this.#tunnel = tunnel
  }

  /** @param scrapeTimeoutMs what a scraper said that it waits at most; 0: the client is no scraper */
  start(scrapeTimeoutMs: number): void {
    const { deadlines, route } = this.#relay
    this.#scrapeTimeoutMs = scrapeTimeoutMs
    this.#dueMs = deadlines.nowMs + Math.min(route.timeoutsMs.total, scrapeLimit(scrapeTimeoutMs))
  }

  /** The request and its response may take as long as they like; only their steps are bounded. */
  unbind(): void {
    this.#scrapeTimeoutMs = 0
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  /** The next step may take `ms`, or less where the time for the whole request ends before. */
  allow(ms: number): void {
    this.#client.allow(Math.min(ms, this.#dueMs - this.#relay.deadlines.nowMs))
  }

  /** The next step is the wait for more of a body, the request's or the response's. */
  allowForBody(): void {
    this.allow(this.#bodyMs())
  }

  /** The next step is the wait for the rest of the request, or for the response when the request is whole. */
  allowForRest(): void {
    const { responseHead } = this.#relay.route.timeoutsMs
    this.allow(this.#request.isDone ? responseHead : this.#bodyMs())
  }

  /** The next step is that the client takes the end of the response. It may go past the time for the whole request. */
  allowForFlush(): void {
    this.#client.allow(this.#bodyMs())
  }

  /** Time without a byte of a body. */
  #bodyMs(): number {
    const { body } = this.#relay.route.timeoutsMs
    return this.#tunnel.idleMs(this.#response.hasBegun, this.#client.socket.hasEnded) ?? body
  }

  /** The client sent or took some bytes. */
  clientMoved(bytes: number): void {
    this.#pace.moved(bytes, this.#relay.deadlines.nowMs)
  }

  /** The wait for the client begins anew. */
  restartWait(): void {
    this.#pace.restart(this.#relay.deadlines.nowMs)
  }

  /** Milliseconds for which an upstream connection has waited for the client, as of `nowMs`; 0: it does not wait. */
  stalledMs(nowMs: number): number {
    return this.#response.isPaused || this.#isUploadSlow ? this.#pace.waitedMs(nowMs) : 0
  }

  /** After a step took too long: the client has ended its side, and is taken for gone. */
  get isClientGone(): boolean {
    const mayBeGone = !this.#response.hasBegun || (this.#tunnel.isLong && !this.#tunnel.isWrappingUp)
    return mayBeGone && this.#client.socket.hasEnded
  }

  /** Whose fault it is that a step took too long. The pool is told when it is the upstream's. */
  blame(): Failure {
    if (this.#tunnel.isWrappingUp && this.#response.hasBegun) return cutByDrain()
    if (this.#isClientSlow || this.#isQuiet) return clientTooSlow()
    if (this.#isTooShortToBlame) return scraperTooHasty()
    const failure = upstreamTooSlow(this.#relay.pool.name)
    this.#relay.pool.failed(failure, false)
    return failure
  }

  get #isClientSlow(): boolean {
    return this.#response.isFull || this.#isUploadSlow
  }

  get #isUploadSlow(): boolean {
    return !this.#request.isDone && !this.#request.isFull
  }

  /** A response that may be silent for a while was silent for too long, which is nobody's fault. */
  get #isQuiet(): boolean {
    return this.#tunnel.isLong && this.#response.hasBegun
  }

  /** The scraper allows so little time that a timeout is not the upstream's fault. */
  get #isTooShortToBlame(): boolean {
    return this.#scrapeTimeoutMs > 0 && this.#scrapeTimeoutMs < MIN_BLAME_MS
  }
}

/** Milliseconds that the whole request may take; without a scraper there is no limit. */
function scrapeLimit(scrapeTimeoutMs: number): number {
  if (scrapeTimeoutMs === 0) return Number.POSITIVE_INFINITY
  return Math.max(scrapeTimeoutMs - MARGIN_MS, scrapeTimeoutMs / 2)
}

import type { Deadlines } from './deadlines.ts'
import { Pace } from './slow-clients.ts'

/** A scraper that waits for less says nothing about the upstream when it gets no response in time. */
const MIN_BLAME_MS = 500

/** The response must be there a little before the scraper gives up. */
const MARGIN_MS = 250

/** How much time one request has, and how long its client has kept it waiting. */
export class TimeBudget {
  readonly #deadlines: Deadlines
  readonly #pace = new Pace()
  #dueMs = 0
  #scrapeTimeoutMs = 0

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines
  }

  /**
   * @param totalMs for the whole request
   * @param scrapeTimeoutMs what a scraper said that it waits at most; 0: the client is no scraper
   */
  start(totalMs: number, scrapeTimeoutMs: number): void {
    this.#scrapeTimeoutMs = scrapeTimeoutMs
    this.#dueMs = this.#deadlines.nowMs + Math.min(totalMs, scrapeLimit(scrapeTimeoutMs))
  }

  /** The request and its response may take as long as they like; only their steps are bounded. */
  unbind(): void {
    this.#scrapeTimeoutMs = 0
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  /** `ms` for the next step, or less where the time for the whole request ends before. */
  atMost(ms: number): number {
    return Math.min(ms, this.#dueMs - this.#deadlines.nowMs)
  }

  /** The scraper allows so little time that a timeout is not the upstream's fault. */
  get isTooShortToBlame(): boolean {
    return this.#scrapeTimeoutMs > 0 && this.#scrapeTimeoutMs < MIN_BLAME_MS
  }

  /** The client sent or took some bytes. */
  clientMoved(bytes: number): void {
    this.#pace.moved(bytes, this.#deadlines.nowMs)
  }

  /** The wait for the client begins anew. */
  restartWait(): void {
    this.#pace.restart(this.#deadlines.nowMs)
  }

  /** Milliseconds for which the client has been waited for, as of `nowMs`. */
  waitedMs(nowMs: number): number {
    return this.#pace.waitedMs(nowMs)
  }
}

/** Milliseconds that the whole request may take; without a scraper there is no limit. */
function scrapeLimit(scrapeTimeoutMs: number): number {
  if (scrapeTimeoutMs === 0) return Number.POSITIVE_INFINITY
  return Math.max(scrapeTimeoutMs - MARGIN_MS, scrapeTimeoutMs / 2)
}

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { type Response, request } from '@uds-sidecar/shared/http/request'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'

/** Requests that are repeated until `end`, and what came of each. */
export class Load implements AsyncDisposable {
  succeeded = 0
  /** What was wrong with those that did not succeed, in words. */
  readonly failures: string[] = []
  readonly #ask: () => Promise<Response>
  readonly #clients: Promise<void>[]
  #ended = false

  /** @param atOnce clients, each of which asks again as soon as it has its response */
  constructor(atOnce: number, ask: () => Promise<Response>) {
    this.#ask = ask
    this.#clients = Array.from({ length: atOnce }, () => this.#client())
  }

  /** Resolves when so many more have succeeded. */
  async more(count: number): Promise<void> {
    const target = this.succeeded + count
    await eventuallyPasses(() => assert(this.succeeded >= target))
  }

  /** Resolves when the last response is there. */
  async end(): Promise<void> {
    this.#ended = true
    await Promise.all(this.#clients)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  async #client(): Promise<void> {
    while (!this.#ended) {
      await this.#askOnce()
      await pause(BETWEEN_MS) // leaves the cores to what is tested
    }
  }

  async #askOnce(): Promise<void> {
    try {
      const { status, body } = await this.#ask()
      if (status === 200) this.succeeded += 1
      else this.failures.push(`${status} ${body}`)
    } catch (error) {
      this.failures.push(String(error))
    }
  }
}

const BETWEEN_MS = 5

/** For one visit, longer than the sidecar's own deadline: the sidecar decides how it ends. */
const VISIT_MS = 60_000

/** Visitors of the app, each of which makes one visit after the other until `end`, whatever happens meanwhile. */
export class Visitors implements AsyncDisposable {
  /** The totals that came back with 200, each of which acknowledges one visit. */
  readonly acknowledged: number[] = []
  /** Visits that got no such response. */
  refused = 0
  /** Visitors whose visit was refused during an outage, and who wait until it is over. */
  waiting = 0
  readonly #api: Endpoint
  readonly #visitors: Promise<void>[]
  #outage: PromiseWithResolvers<void> | undefined
  #isOver = false

  constructor(api: Endpoint, count: number) {
    this.#api = api
    this.#visitors = Array.from({ length: count }, () => this.#visitor())
  }

  /** Resolves when so many more visits were acknowledged. */
  async acknowledge(more: number): Promise<void> {
    const target = this.acknowledged.length + more
    await eventuallyPasses(() => assert(this.acknowledged.length >= target))
  }

  /** From now on a visitor who is refused makes no other visit until {@link outageIsOver}. */
  beginOutage(): void {
    this.#outage = Promise.withResolvers()
  }

  outageIsOver(): void {
    this.#outage?.resolve()
    this.#outage = undefined
  }

  /** Resolves when the last visit has ended. */
  async end(): Promise<void> {
    this.#isOver = true
    this.outageIsOver()
    await Promise.all(this.#visitors)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end()
  }

  async #visitor(): Promise<void> {
    while (!this.#isOver) {
      if (await this.#visit()) continue
      this.waiting += 1
      await this.#outage?.promise
      this.waiting -= 1
    }
  }

  /** @returns whether it was acknowledged */
  async #visit(): Promise<boolean> {
    const total = await this.#totalAfterVisit().catch(() => undefined)
    if (total === undefined) this.refused += 1
    else this.acknowledged.push(total)
    return total !== undefined
  }

  async #totalAfterVisit(): Promise<number> {
    const visit = { method: 'POST', path: '/visits', timeoutMs: VISIT_MS }
    const { status, body } = await request(this.#api, visit)
    assert.equal(status, 200)
    return JSON.parse(body.toString()).visits
  }
}

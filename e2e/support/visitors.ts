import assert from 'node:assert/strict'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { request } from '@uds-sidecar/shared/http/request'
import { eventually } from './eventually.ts'

/** How long a visitor goes on trying while nothing answers. */
const OUTAGE_MS = 30_000

/** Visitors of the app who go on until enough of their visits were acknowledged, whatever happens meanwhile. */
export class Visitors {
  /** The totals that came back with 200, each of which acknowledges one visit. */
  readonly acknowledged: number[] = []
  /** Requests that got no such answer. */
  refused = 0
  readonly #api: Endpoint
  readonly #goal: number

  constructor(api: Endpoint, goal: number) {
    this.#api = api
    this.#goal = goal
  }

  get done(): boolean {
    return this.acknowledged.length >= this.#goal
  }

  /** So many at once; resolves when the goal is reached. */
  async visit(atOnce: number): Promise<void> {
    await Promise.all(Array.from({ length: atOnce }, () => this.#visitor()))
  }

  /** Resolves when so many visits were acknowledged, or the goal is reached. */
  async reach(count: number): Promise<void> {
    const target = Math.min(count, this.#goal)
    await eventually(() => assert(this.acknowledged.length >= target), { withinMs: OUTAGE_MS })
  }

  async #visitor(): Promise<void> {
    while (!this.done) await eventually(() => this.#visitOnce(), { withinMs: OUTAGE_MS })
  }

  async #visitOnce(): Promise<void> {
    try {
      const { status, body } = await request(this.#api, { method: 'POST', path: '/visits' })
      assert.equal(status, 200)
      this.acknowledged.push(JSON.parse(body.toString()).visits)
    } catch (error) {
      this.refused += 1
      throw error
    }
  }
}

import type { RouteCounters } from '../../metrics/route-counters.ts'
import type { AnswerTaker } from '../answer-taker.ts'
import type { UpstreamPool } from '../upstream-pool.ts'
import { type Member, SharedAnswer } from './shared-answer.ts'

/**
 * Lets identical requests that wait at the same time share one answer. Who asks after its head has come gets another:
 * nothing is ever served from the past.
 */
export class Coalescer {
  readonly #pool: UpstreamPool
  readonly #counters: RouteCounters
  readonly #waiting = new Map<string, SharedAnswer>()

  constructor(pool: UpstreamPool, counters: RouteCounters) {
    this.#pool = pool
    this.#counters = counters
  }

  /**
   * Lets `member` wait for the answer to `key`.
   * @param compose the request, for the first of them.
   * @returns false when too many wait for an upstream connection already.
   */
  join(key: string, member: Member, compose: () => Buffer): boolean {
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return this.#ask(key, member, compose())
    this.#counters.coalesced += 1
    waiting.add(member)
    return true
  }

  #ask(key: string, member: Member, request: Buffer): boolean {
    const answer = new SharedAnswer(this.#pool, request, () => this.#waiting.delete(key))
    answer.add(member)
    this.#waiting.set(key, answer)
    if (this.#pool.acquire(answer as AnswerTaker)) return true
    this.#waiting.delete(key)
    return false
  }
}

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Response } from '@uds-sidecar/shared/http/request'
import { eventually } from './eventually.ts'

/** Requests that go on until told to end, and what came of each. */
export class Load implements AsyncDisposable {
  succeeded = 0
  /** What was wrong with those that did not succeed, in words. */
  readonly failures: string[] = []
  readonly #ask: () => Promise<Response>
  readonly #clients: Promise<void>[]
  #ended = false

  /** @param atOnce clients, each of which asks again as soon as it has its answer */
  constructor(atOnce: number, ask: () => Promise<Response>) {
    this.#ask = ask
    this.#clients = Array.from({ length: atOnce }, () => this.#client())
  }

  /** Resolves when so many more have succeeded. */
  async more(count: number): Promise<void> {
    const target = this.succeeded + count
    await eventually(() => assert(this.succeeded >= target))
  }

  /** Resolves when the last answer is there. */
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
      await pause(BETWEEN_MS) // two cores have other things to do as well
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

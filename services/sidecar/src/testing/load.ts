import assert from 'node:assert/strict'
import { request } from '@uds-sidecar/shared/http/request'
import { eventually } from '@uds-sidecar/shared/testing/waiting'

/** Clients that send requests to a Unix socket without a break, each on a connection of its own. */
export class Load implements AsyncDisposable {
  served = 0
  readonly #path: string
  readonly #clients: Promise<void>[]
  #isOver = false

  constructor(path: string, clients = 4) {
    this.#path = path
    this.#clients = Array.from({ length: clients }, () => this.#run())
    for (const client of this.#clients) client.catch(() => undefined) // `end` reports it
  }

  /** Resolves when the clients have got `count` more responses, and rejects when a request has failed. */
  async more(count: number): Promise<void> {
    const before = this.served
    const served = eventually(`${count} more responses`, () => this.served >= before + count)
    await Promise.race([served, Promise.all(this.#clients)])
  }

  /** @throws what the first request that failed threw */
  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    await Promise.allSettled(this.#clients)
  }

  /** Nobody may repeat a POST: one that fails is seen by the client. */
  async #run(): Promise<void> {
    while (!this.#isOver) {
      const { status } = await request({ kind: 'unix', path: this.#path }, { method: 'POST', path: '/a' })
      assert.equal(status, 200)
      this.served += 1
    }
  }
}

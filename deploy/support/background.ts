import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Count } from './load-main.ts'

/** A program in the machine that somebody talks to. */
export class Background {
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  readonly #closed: Promise<unknown[]>

  constructor(child: ChildProcess) {
    this.#child = child
    this.#closed = once(child, 'close')
    if (child.stdout === null) throw new Error('its stdout must be a pipe')
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  /** The next line that it prints. @throws Error when it ended instead */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error('the program ended without a line')
    return value
  }

  say(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** Ends its stdin, and waits for its end. @throws Error when its exit code is not 0 */
  async end(last = ''): Promise<void> {
    this.#child.stdin?.end(last)
    const [code] = await this.#closed
    if (code !== 0) throw new Error(`${this.#child.spawnargs.join(' ')} ended with ${code}`)
  }
}

/** A program in the machine that sends requests without a pause. A request fails unless its response is 200. */
export class Load {
  readonly #program: Background

  constructor(program: Background) {
    this.#program = program
  }

  /** What each endpoint has got so far. @throws Error when a request failed */
  async counts(): Promise<Map<string, Count>> {
    this.#program.say('')
    return this.#read()
  }

  /** Waits until each endpoint has sent so many responses more. @throws Error when a request failed */
  async more(responses: number): Promise<void> {
    const before = await this.counts()
    await eventually(`${responses} responses more of each endpoint`, async () => {
      const now = await this.counts()
      return [...now].every(([endpoint, { ok }]) => ok >= (before.get(endpoint)?.ok ?? 0) + responses)
    })
  }

  /** Begins no more requests, and waits for the open ones. @throws Error when a request failed */
  async end(): Promise<Map<string, Count>> {
    const [counts] = await Promise.all([this.#read(), this.#program.end()])
    return counts
  }

  async #read(): Promise<Map<string, Count>> {
    const counts: Record<string, Count> = JSON.parse(await this.#program.line())
    for (const [endpoint, { failed }] of Object.entries(counts))
      if (failed.length > 0) throw new Error(`${failed.length} requests to ${endpoint} failed: ${failed}`)
    return new Map(Object.entries(counts))
  }
}

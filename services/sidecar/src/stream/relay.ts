import type { Socket } from 'node:net'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { reset } from '../port/reset.ts'
import { type Deadlines, Timed } from '../time/deadlines.ts'
import type { UpstreamReading } from './upstream-reading.ts'

export interface RelayOptions {
  readonly client: Socket
  readonly upstream: Socket
  /** Passes on what the upstream says, from before there is a relay. */
  readonly reading: UpstreamReading
  readonly deadlines: Deadlines
  readonly idleMs: number
  /** Called once, when both sides are closed; the code says why, unless they ended by themselves. */
  readonly onClosed: (failure: FailureCode | null) => void
}

/** Two sockets joined: bytes go both ways with backpressure, and the end of one side ends the other's writing side. */
export class Relay extends Timed {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #deadlines: Deadlines
  readonly #onClosed: RelayOptions['onClosed']
  #idleMs: number
  #wrappingUp = false
  #failure: FailureCode | null = null
  #openSides = 2

  constructor({ client, upstream, reading, deadlines, idleMs, onClosed }: RelayOptions) {
    super()
    this.#client = client
    this.#upstream = upstream
    this.#deadlines = deadlines
    this.#idleMs = idleMs
    this.#onClosed = onClosed
    client.on('data', (bytes: Buffer) => {
      this.#deadlines.set(this, this.#idleMs)
      if (!upstream.write(bytes)) client.pause()
    })
    reading.onPassed = () => deadlines.set(this, this.#idleMs)
    this.#join(client, upstream)
    this.#join(upstream, client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => this.fail('upstream_reset'))
    deadlines.set(this, idleMs)
  }

  /** Closes both sides at once; the client sees a reset, never a clean end that could pass for a whole answer. */
  fail(code: FailureCode): void {
    this.#failure ??= code
    reset(this.#client)
    this.#upstream.destroy()
  }

  /** From now on `quietMs` without a byte are taken for the end. */
  wrapUp(quietMs: number): void {
    this.#wrappingUp = true
    this.#idleMs = Math.min(quietMs, this.#idleMs)
    this.#deadlines.set(this, this.#idleMs)
  }

  expire(): void {
    if (this.#wrappingUp) {
      this.#client.destroySoon()
      this.#upstream.destroySoon()
    } else this.fail('client_timeout')
  }

  #join(from: Socket, to: Socket): void {
    to.on('drain', () => {
      this.#deadlines.set(this, this.#idleMs)
      from.resume()
    })
    from.once('end', () => to.end())
    from.once('close', () => this.#sideClosed(to))
  }

  #sideClosed(other: Socket): void {
    this.#openSides -= 1
    if (this.#openSides === 0) {
      this.#deadlines.clear(this)
      this.#onClosed(this.#failure)
    } else other.destroySoon()
  }
}

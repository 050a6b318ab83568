import type { OnReadOpts, Socket } from 'node:net'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type Deadlines, Timed } from './deadlines.ts'
import type { OpenCalls } from './open-calls.ts'
import { reset } from './port.ts'

const LEAST_BYTES = 4_096
const FRUGAL_BYTES = 512
const USUAL_BYTES = 16_384
const MOST_BYTES = 65_536

/**
 * The buffer that a socket reads into again and again; Node by itself allocates 64 KiB for each read. It grows while
 * reads fill it, and shrinks for a quiet connection: 4 KiB at first, at most 16 KiB after a read that left room. A frugal
 * one begins with 512 bytes, and shrinks further after each small read: of thousands of connections most are idle.
 */
export class ReadBuffer {
  /** For the next read. */
  bytes: Buffer
  readonly #isFrugal: boolean

  constructor(isFrugal = false) {
    this.#isFrugal = isFrugal
    this.bytes = Buffer.allocUnsafeSlow(isFrugal ? FRUGAL_BYTES : LEAST_BYTES)
  }

  /** Called after each read. @param isInUse the bytes are still needed: the buffer is given away */
  prepare(count: number, isInUse: boolean): void {
    const size = this.#sizeAfter(count)
    if (isInUse || size !== this.bytes.length) this.bytes = Buffer.allocUnsafeSlow(size)
  }

  #sizeAfter(count: number): number {
    const { length } = this.bytes
    if (this.#isFrugal && count <= length / 8) return Math.max(length / 4, FRUGAL_BYTES)
    return count === length ? Math.min(length * 4, MOST_BYTES) : Math.min(length, USUAL_BYTES)
  }
}

/** Writes the bytes of an upstream to its client as soon as they are read (`onread` of `net.connect`). */
export class UpstreamReading implements OnReadOpts {
  readonly #client: Socket
  readonly #into: ReadBuffer
  /** Sees the bytes of both sides; null: nobody looks at them. */
  readonly calls: OpenCalls | null
  /** Called after bytes were written to the client. */
  onPassed: () => void = () => undefined

  constructor(client: Socket, into = new ReadBuffer(), calls: OpenCalls | null = null) {
    this.#client = client
    this.#into = into
    this.calls = calls
  }

  readonly buffer = (): Buffer => this.#into.bytes

  /** Bytes that were read into another buffer, which nobody writes to again. @returns as `callback` */
  pass(bytes: Buffer): boolean {
    const goesOn = this.#client.write(bytes)
    this.onPassed()
    return goesOn
  }

  /** @returns false to stop reading until `resume` */
  readonly callback = (count: number): boolean => {
    const bytes = this.#into.bytes.subarray(0, count)
    const goesOn = this.#client.write(bytes)
    this.calls?.upstreamSent(bytes)
    this.#into.prepare(count, this.#client.writableLength > 0)
    this.onPassed()
    return goesOn
  }
}

export interface RelayOptions {
  readonly client: Socket
  readonly upstream: Socket
  /** Reads the upstream; it exists before the relay, because the upstream may send at once. */
  readonly reading: UpstreamReading
  readonly deadlines: Deadlines
  readonly idleMs: number
  /** Called once, when both sides are closed. The code says why, unless both ended by themselves. */
  readonly onClosed: (failure: FailureCode | null) => void
}

/** Joins two sockets: bytes go both ways with backpressure, and the end of one side half-closes the other. */
export class Relay extends Timed {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #calls: OpenCalls | null
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
    this.#calls = reading.calls
    this.#deadlines = deadlines
    this.#idleMs = idleMs
    this.#onClosed = onClosed
    client.on('data', (bytes: Buffer) => {
      this.#deadlines.set(this, this.#idleMs)
      this.#calls?.clientSent(bytes)
      if (!upstream.write(bytes)) client.pause()
    })
    reading.onPassed = () => deadlines.set(this, this.#idleMs)
    this.#join(client, upstream)
    this.#join(upstream, client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => this.fail('upstream_reset'))
    deadlines.set(this, idleMs)
  }

  /**
   * Closes both sides at once. A client on TCP sees a reset, and never a clean end that looks like a whole response; a
   * Unix socket cannot be reset.
   */
  fail(code: FailureCode): void {
    this.#failure ??= code
    reset(this.#client)
    this.#upstream.destroy()
  }

  /** From now on the relay ends after `quietMs` without a byte, unless calls are open in it. */
  wrapUp(quietMs: number): void {
    this.#wrappingUp = true
    this.#idleMs = Math.min(quietMs, this.#idleMs)
    this.#deadlines.set(this, this.#idleMs)
  }

  expire(): void {
    if (this.#wrappingUp && this.#calls?.isAny) this.#deadlines.set(this, this.#idleMs)
    else if (this.#wrappingUp) {
      this.#client.destroySoon()
      this.#upstream.destroySoon()
    } else this.fail('client_timeout')
  }

  /** `from` may have ended already: the client, while the upstream was dialled. */
  #join(from: Socket, to: Socket): void {
    to.on('drain', () => {
      this.#deadlines.set(this, this.#idleMs)
      from.resume()
    })
    if (from.readableEnded) to.end()
    else from.once('end', () => to.end())
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

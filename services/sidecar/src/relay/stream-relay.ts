import type { OnReadOpts, Socket } from 'node:net'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type Deadlines, Timed } from './deadlines.ts'
import type { OpenCalls } from './open-calls.ts'
import { reset } from './port.ts'
import { ReadBuffer, readInto } from './read-buffer.ts'

/** Writes the bytes of one socket to another as soon as they are read (`onread` of `net.connect`). */
export class DirectReading implements OnReadOpts {
  readonly #to: Socket
  readonly #into: ReadBuffer
  /** Sees the bytes of both sides; null: nobody looks at them. */
  readonly calls: OpenCalls | null
  /** Called after bytes were written. */
  onPassed: () => void = () => undefined

  constructor(to: Socket, into = new ReadBuffer(), calls: OpenCalls | null = null) {
    this.#to = to
    this.#into = into
    this.calls = calls
  }

  readonly buffer = (): Buffer => this.#into.bytes

  /** Bytes that were read into another buffer, which nobody writes to again. @returns as `callback` */
  pass(bytes: Buffer): boolean {
    const hasRoom = this.#to.write(bytes)
    this.onPassed()
    return hasRoom || this.#to.writableLength === 0
  }

  /** @returns false to stop reading until `resume`, when all was written */
  readonly callback = (count: number): boolean => {
    const bytes = this.#into.take(count)
    const hasRoom = this.#to.write(bytes)
    this.calls?.upstreamSent(bytes)
    this.#into.prepare(count, this.#to, hasRoom)
    this.onPassed()
    return hasRoom || this.#to.writableLength === 0
  }
}

export interface RelayOptions {
  readonly client: Socket
  readonly upstream: Socket
  /** Reads the upstream; it exists before the relay, because the upstream may send at once. */
  readonly reading: DirectReading
  /** Where the bytes of the client are read into. Default: Node allocates memory for each read. */
  readonly clientBuffer?: ReadBuffer
  readonly deadlines: Deadlines
  readonly idleMs: number
  /** Called once, when both sides are closed. The code says why, unless both ended by themselves. */
  readonly onClosed: (failure: FailureCode | null) => void
}

/** The key of the relay of a socket: with it the listeners are functions that all relays share, which costs no memory. */
const RELAY = Symbol('relay')

type Joined = Socket & { [RELAY]?: Relay }

function onData(this: Joined, bytes: Buffer): void {
  this[RELAY]?.sent(bytes)
}

function onDrain(this: Joined): void {
  this[RELAY]?.drained(this)
}

function onEnd(this: Joined): void {
  this[RELAY]?.ended(this)
}

function onClose(this: Joined): void {
  this[RELAY]?.closed(this)
}

function onError(this: Joined): void {
  this[RELAY]?.failed(this)
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

  constructor({ client, upstream, reading, clientBuffer, deadlines, idleMs, onClosed }: RelayOptions) {
    super()
    this.#client = client
    this.#upstream = upstream
    this.#calls = reading.calls
    this.#deadlines = deadlines
    this.#idleMs = idleMs
    this.#onClosed = onClosed
    const heard = () => deadlines.set(this, this.#idleMs)
    reading.onPassed = heard
    if (clientBuffer !== undefined) {
      const sending = new DirectReading(upstream, clientBuffer)
      sending.onPassed = heard
      readInto(client, sending)
    }
    for (const socket of [client, upstream])
      Object.assign(socket, { [RELAY]: this })
        .on('drain', onDrain)
        .on('end', onEnd)
        .on('close', onClose)
        .on('error', onError)
    client.on('data', onData)
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

  #other(socket: Socket): Socket {
    return socket === this.#client ? this.#upstream : this.#client
  }

  /** The client has sent bytes that were read into no buffer of ours. */
  sent(bytes: Buffer): void {
    this.#deadlines.set(this, this.#idleMs)
    this.#calls?.clientSent(bytes)
    if (!this.#upstream.write(bytes) && this.#upstream.writableLength > 0) this.#client.pause()
  }

  drained(socket: Socket): void {
    this.#deadlines.set(this, this.#idleMs)
    this.#other(socket).resume()
  }

  ended(socket: Socket): void {
    this.#other(socket).end()
  }

  closed(socket: Socket): void {
    this.#sideClosed(this.#other(socket))
  }

  failed(socket: Socket): void {
    if (socket === this.#client) this.#upstream.destroy()
    else this.fail('upstream_reset')
  }

  #sideClosed(other: Socket): void {
    this.#openSides -= 1
    if (this.#openSides === 0) {
      this.#deadlines.clear(this)
      this.#onClosed(this.#failure)
    } else other.destroySoon()
  }
}

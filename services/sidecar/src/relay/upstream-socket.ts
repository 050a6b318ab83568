import type { Socket } from 'node:net'
import { type Attempt, attempt, type DialOptions } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { HEADROOM } from '../http1/rewrite-response.ts'
import { BUFFERS, type LargeBuffer } from './large-buffers.ts'
import type { DirectReading } from './stream-relay.ts'

/**
 * Keeps a socket readable after a write to it has failed. A server may respond and close before it has read the whole
 * request; Node destroys the socket when the next write fails, and loses the response that waits to be read.
 * @param onWriteFailed called instead of destroying the socket; returns false to destroy it all the same.
 */
export function keepReadable(socket: Socket, onWriteFailed: () => boolean): void {
  const destroy = socket.destroy.bind(socket)
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    const isKept = error?.syscall === 'write' && onWriteFailed()
    return isKept ? socket : destroy(error)
  }
}

/** What TLS decrypts for a socket that is paused is read into it, and copied at once: one is enough for all sockets. */
const OVERRUN = Buffer.allocUnsafeSlow(16_384)

/** The owner of an upstream socket. */
export interface UpstreamSocketOwner {
  connected(): void
  /** `bytes[HEADROOM, end)` was received. */
  received(bytes: Buffer, end: number): void
  drained(): void
  /** The upstream has ended its side, or the connection failed. */
  ended(error?: Error): void
  /** @returns whether to go on reading although nothing more can be written. */
  writeFailed(): boolean
}

/**
 * A socket that reads into one buffer of its own again and again. Received bytes are lent: they are overwritten by the
 * next read, and stay valid while reading is paused.
 *
 * A pause does not stop TLS at once: it decrypts all records of a read. They wait in the stream, and come as `data`,
 * before the next read: `resume` passes them on in a tick, and Node runs ticks before it reads.
 */
export class UpstreamSocket {
  readonly #attempt: Attempt
  readonly #socket: Socket
  readonly #isTls: boolean
  /** Null after `handOver`. */
  #owner: UpstreamSocketOwner | null
  #reading: DirectReading | null = null
  #buffer = BUFFERS.take()
  #readInto = this.#buffer.subarray(HEADROOM)
  isPaused = false
  /** The owner is being told of received bytes, and the next read would overwrite them. */
  isLent = false

  /** @param options TLS, and who looks up names. */
  constructor(endpoint: Endpoint, owner: UpstreamSocketOwner, options: DialOptions = {}) {
    this.#owner = owner
    this.#isTls = options.tls !== undefined
    const onread = {
      buffer: () => this.#nextBuffer(),
      callback: (count: number, bytes: Uint8Array) => this.#take(count, bytes),
    }
    this.#attempt = attempt(endpoint, { ...options, onread, allowHalfOpen: false })
    this.#socket = this.#attempt.socket
    if (this.#isTls) this.#socket.on('data', (bytes: Buffer) => this.#takeLater(bytes))
    this.#socket
      .once(this.#attempt.event, () => this.#owner?.connected())
      .on('drain', () => this.#owner?.drained())
      .once('end', () => this.#owner?.ended())
      .on('error', (error) => this.#owner?.ended(error))
      .once('close', () => this.#owner?.ended())
    keepReadable(this.#socket, () => this.#owner?.writeFailed() ?? false)
  }

  /** For the next read. */
  #nextBuffer(): Uint8Array {
    if (!this.#isTls) return this.#reading?.buffer() ?? this.#readInto
    return this.isPaused || this.#reading !== null ? OVERRUN : this.#readInto
  }

  /** @returns false to stop reading until `resume` */
  #take(count: number, bytes: Uint8Array): boolean {
    if (this.#isTls && (this.isPaused || this.#reading !== null))
      return this.#socket.push(Buffer.from(bytes.subarray(0, count))) && !this.isPaused
    if (this.#reading !== null) return this.#reading.callback(count)
    this.#lend(count, bytes)
    return !this.isPaused
  }

  #takeLater(bytes: Buffer): void {
    if (this.#reading === null) this.#lend(bytes.length, bytes)
    else if (!this.#reading.pass(bytes)) this.#socket.pause()
  }

  #lend(count: number, bytes: Uint8Array): void {
    if (bytes !== this.#readInto) this.#readInto.set(bytes.subarray(0, count))
    this.isLent = true
    this.#owner?.received(this.#buffer, HEADROOM + count)
  }

  /** Why it did not connect, or why TLS failed later. */
  explain(error: unknown): Failure | Promise<Failure> {
    return this.#attempt.explain(error)
  }

  /** The upstream has accepted the connection; with TLS the handshake follows. */
  get isAccepted(): boolean {
    return !this.#socket.connecting
  }

  write(bytes: Buffer): boolean {
    return this.#socket.write(bytes)
  }

  /** The kernel has not taken all that was written, and the buffers are still in use. */
  get isWriting(): boolean {
    return this.#socket.writableLength > 0
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  pause(): void {
    if (this.isPaused) return
    this.isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.#socket.resume()
  }

  /**
   * Gives the current buffer away and reads on with another one. Only valid inside `received`.
   * @returns the buffer that was given away
   */
  leaveLent(): LargeBuffer {
    const left = this.#buffer
    this.isLent = false
    this.#buffer = BUFFERS.take()
    this.#readInto = this.#buffer.subarray(HEADROOM)
    this.resume()
    return left
  }

  /** Gives the socket away: from now on it reads into `reading`, and each side ends by itself. */
  handOver(reading: DirectReading): Socket {
    this.#owner = null
    this.#reading = reading
    this.#socket.allowHalfOpen = true
    return this.#socket
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

import type { Socket } from 'node:net'
import { type Attempt, attempt, type DialOptions } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { HEADROOM } from '../http1/rewrite-response.ts'
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

const READ_BYTES = 65_536

/** Bytes that stay in memory when a lent buffer is given away. */
export const LENT_BYTES = HEADROOM + READ_BYTES

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
 */
export class UpstreamSocket {
  readonly #attempt: Attempt
  readonly #socket: Socket
  /** Null after `handOver`. */
  #owner: UpstreamSocketOwner | null
  #reading: DirectReading | null = null
  #buffer = Buffer.allocUnsafeSlow(LENT_BYTES)
  #readInto = this.#buffer.subarray(HEADROOM)
  isPaused = false
  /** The owner is being told of received bytes, and the next read would overwrite them. */
  isLent = false

  /** @param options TLS, and who looks up names. */
  constructor(endpoint: Endpoint, owner: UpstreamSocketOwner, options: DialOptions = {}) {
    this.#owner = owner
    const read = (count: number) => {
      if (this.#reading !== null) return this.#reading.callback(count)
      this.isLent = true
      owner.received(this.#buffer, HEADROOM + count)
      return !this.isPaused
    }
    const buffer = () => this.#reading?.buffer() ?? this.#readInto
    const reading = options.tls ? {} : { onread: { buffer, callback: read } }
    this.#attempt = attempt(endpoint, { ...options, ...reading, allowHalfOpen: false })
    this.#socket = this.#attempt.socket
    if (options.tls) this.#socket.on('data', (chunk: Buffer) => this.#take(chunk, read))
    this.#socket
      .once(this.#attempt.event, () => this.#owner?.connected())
      .on('drain', () => this.#owner?.drained())
      .once('end', () => this.#owner?.ended())
      .on('error', (error) => this.#owner?.ended(error))
      .once('close', () => this.#owner?.ended())
    keepReadable(this.#socket, () => this.#owner?.writeFailed() ?? false)
  }

  /** Bytes of TLS. */
  #take(chunk: Buffer, read: (count: number) => boolean): void {
    if (this.#reading === null) read(this.#copy(chunk))
    else if (!this.#reading.pass(chunk)) this.#socket.pause()
  }

  /**
   * TLS decrypts all records of one read before it stops, so a buffer of ours would be overwritten while it is lent; a
   * stream keeps them.
   */
  #copy(chunk: Buffer): number {
    if (chunk.length > READ_BYTES) this.#buffer = Buffer.allocUnsafeSlow(HEADROOM + chunk.length)
    return chunk.copy(this.#buffer, HEADROOM)
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

  /** Gives the current buffer away and reads on with a new one. Only valid inside `received`. */
  leaveLent(): void {
    this.isLent = false
    this.#buffer = Buffer.allocUnsafeSlow(LENT_BYTES)
    this.#readInto = this.#buffer.subarray(HEADROOM)
    this.resume()
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

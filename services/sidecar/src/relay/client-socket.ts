import type { Socket } from 'node:net'
import type { Caller } from './caller.ts'
import type { Peer } from './connection-limits.ts'
import { reset } from './port.ts'

const NOTHING = Buffer.alloc(0)

/** Why a client is not read: the exchange cannot take more, or too many requests are pipelined. */
export type PauseReason = keyof typeof REASONS
const REASONS = { exchange: 1, early: 2 } as const

/** A client's socket: writes, pauses for more than one reason, and ends. */
export class ClientSocket {
  readonly #socket: Socket
  /** The client, with all its connections of this route. */
  readonly peer: Peer
  readonly caller: Caller
  readonly #onFlushed: () => void
  #provenance: Buffer | null = null
  /** Of whom `#provenance` says that the request is. */
  #user: string | null = null
  /** Bytes that were written to the client. */
  written = 0
  /** The bits of `REASONS`. */
  #pausedFor = 0

  /** @param onFlushed called after `whenFlushed`, when the kernel has taken everything that was written before. */
  constructor(socket: Socket, peer: Peer, caller: Caller, onFlushed: () => void) {
    this.#socket = socket
    this.peer = peer
    this.caller = caller
    this.#onFlushed = onFlushed
  }

  /** The fields that say where a request came from. @param user the client that sent it; null: not known */
  provenance(user: string | null): Buffer {
    if (this.#provenance === null || user !== this.#user) this.#provenance = provenanceOf(this.#socket, user)
    this.#user = user
    return this.#provenance
  }

  /** The client has ended its side; it may still wait for a response. */
  get hasEnded(): boolean {
    return this.#socket.readableEnded
  }

  /** The kernel has not taken all that was written, and the buffers are still in use. */
  get isFull(): boolean {
    return this.#socket.writableLength > 0
  }

  write(bytes: Buffer): void {
    this.written += bytes.length
    this.#socket.write(bytes)
  }

  /** Calls `onFlushed` after the writes so far: an empty write is done after them. */
  whenFlushed(): void {
    this.#socket.write(NOTHING, this.#onFlushed)
  }

  pause(reason: PauseReason): void {
    this.#pausedFor |= REASONS[reason]
    this.#socket.pause()
  }

  /** Reads on, unless there is another reason not to. */
  resume(reason: PauseReason): void {
    if (this.#pausedFor === 0) return
    this.#pausedFor &= ~REASONS[reason]
    if (this.#pausedFor === 0) this.#socket.resume()
  }

  /** Gives the socket away to a tunnel, which reads and writes it itself. */
  handOver(): Socket {
    this.#pausedFor = 0
    return this.#socket
  }

  /** Ends our side cleanly, and reads on. */
  end(): void {
    this.#socket.end()
    this.#pausedFor = 0
    this.#socket.resume()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Ends the connection so that the client sees an error. */
  reset(): void {
    reset(this.#socket)
  }
}

function provenanceOf(socket: Socket, user: string | null): Buffer {
  const address = socket.remoteAddress?.replace(/^::ffff:/, '') ?? 'unknown'
  const scheme = 'encrypted' in socket ? 'https' : 'http' // only TLS sockets have the property
  const identity = user === null ? '' : `X-Forwarded-User: ${user}\r\n`
  return Buffer.from(`X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${scheme}\r\n${identity}`)
}

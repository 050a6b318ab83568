import type { Socket } from 'node:net'
import type { Peer } from './connection-limits.ts'
import { reset } from './port.ts'

const NOTHING = Buffer.alloc(0)

/** Why a client is not read: the exchange cannot take more, or too many requests came early. */
export type PauseReason = keyof typeof REASONS
const REASONS = { exchange: 1, early: 2 } as const

/** A client's socket, as those who talk to the client see it. */
export class ClientSocket {
  readonly #socket: Socket
  /** Who shares its address. */
  readonly peer: Peer
  readonly #onFlushed: () => void
  #provenance: Buffer | null = null
  /** `REASONS` put together. */
  #pausedFor = 0

  /** @param onFlushed called when `whenFlushed` had asked for it and everything that was written before is gone. */
  constructor(socket: Socket, peer: Peer, onFlushed: () => void) {
    this.#socket = socket
    this.peer = peer
    this.#onFlushed = onFlushed
  }

  /** The fields that say where a request came from. */
  get provenance(): Buffer {
    this.#provenance ??= provenanceOf(this.#socket)
    return this.#provenance
  }

  /** The client has ended its side; it may still wait for a response. */
  get hasEnded(): boolean {
    return this.#socket.readableEnded
  }

  /** Bytes that were written are still in use. */
  get isFull(): boolean {
    return this.#socket.writableLength > 0
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  /** An empty write comes to its turn after those before it. */
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

  /** Ends our side in order. */
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

function provenanceOf({ remoteAddress }: Socket): Buffer {
  const address = remoteAddress?.replace(/^::ffff:/, '') ?? 'unknown'
  return Buffer.from(`X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: http\r\n`)
}

import type { Socket } from 'node:net'
import type { Origin } from '../proxies/forwarded-origin.ts'
import type { Caller } from './caller.ts'
import type { ConnectionLimits, Peer } from './connection-limits.ts'
import { reset } from './port.ts'

const NOTHING = Buffer.alloc(0)

/** Why a client is not read: the exchange cannot take more, or too many requests are pipelined. */
export type PauseReason = keyof typeof REASONS
const REASONS = { exchange: 1, early: 2 } as const

/** Who connected, and the place that the connection has taken. */
export interface Connecting {
  readonly caller: Caller
  readonly peer: Peer
  /** Count the clients of a trusted proxy. */
  readonly limits: ConnectionLimits
}

/** A client's socket: writes, pauses for more than one reason, and ends. */
export class ClientSocket {
  readonly #socket: Socket
  readonly #connecting: Connecting
  /** Of the current request, when a trusted proxy relays it. */
  #origin: Origin | null = null
  /** The client of that request; null: it is who connected, or it has too many requests. */
  #client: Peer | null = null
  /** Who sent the current request. Identity is that of who connected. */
  caller: Caller
  readonly #onFlushed: () => void
  #provenance: Buffer | null = null
  /** Of whom `#provenance` says that the request is. */
  #user: string | null = null
  /** Bytes that were written to the client. */
  written = 0
  /** The bits of `REASONS`. */
  #pausedFor = 0

  /** @param onFlushed called after `whenFlushed`, when the kernel has taken everything that was written before. */
  constructor(socket: Socket, connecting: Connecting, onFlushed: () => void) {
    this.#socket = socket
    this.#connecting = connecting
    this.caller = connecting.caller
    this.#onFlushed = onFlushed
  }

  /** Who connected: the client, or a trusted proxy. */
  get connected(): Caller {
    return this.#connecting.caller
  }

  /** The client of the current request, with all that it uses of this route. */
  get peer(): Peer {
    return this.#client ?? this.#connecting.peer
  }

  /** The client of the current request has more of them, through trusted proxies, than one address may have. */
  get hasTooMany(): boolean {
    return this.#origin !== null && this.#client === null
  }

  /** The next request comes through a trusted proxy: until `endRequest` its client counts for limits and log. */
  startRequest(origin: Origin): void {
    const { caller, limits } = this.#connecting
    this.#origin = origin
    this.#provenance = null
    this.caller = origin.client === null ? caller : { ...caller, key: origin.client, address: origin.client }
    this.#client = limits.join(this.caller.key)
  }

  endRequest(): void {
    if (this.#origin === null) return
    if (this.#client !== null) this.#connecting.limits.leave(this.#client)
    this.#client = null
    this.#origin = null
    this.#provenance = null
    this.caller = this.#connecting.caller
  }

  /** The fields that say where a request came from. @param user the client that sent it; null: not known */
  provenance(user: string | null): Buffer {
    if (this.#provenance === null || user !== this.#user)
      this.#provenance = provenanceOf(this.#socket, this.caller, this.#origin, user)
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

function provenanceOf(
  socket: Socket,
  { address }: Caller,
  origin: Origin | null,
  user: string | null,
): Buffer {
  const own = address ?? 'unknown'
  const chain = origin === null || origin.chain === '' ? own : origin.chain
  const ownScheme = 'encrypted' in socket ? 'https' : 'http' // only TLS sockets have the property
  const scheme = origin?.scheme ?? ownScheme
  const identity = user === null ? '' : `X-Forwarded-User: ${user}\r\n`
  return Buffer.from(`X-Forwarded-For: ${chain}\r\nX-Forwarded-Proto: ${scheme}\r\n${identity}`)
}

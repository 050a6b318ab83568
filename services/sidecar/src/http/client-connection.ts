import type { Socket } from 'node:net'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { Timed } from '../time/deadlines.ts'
import { ClientSocket } from './client-socket.ts'
import { Exchange } from './exchange.ts'
import { CR, LF } from './head/ascii.ts'
import { INCOMPLETE } from './head/fields.ts'
import { parseRequestHead } from './head/parse-request-head.ts'
import { REFUSED } from './head/request-head.ts'
import type { HttpContext } from './http-context.ts'
import { problemAnswer, statusOf } from './problem-answer.ts'
import { clientTooSlow, headTooLarge, refused } from './request-failures.ts'
import { parsed } from './request-sender.ts'

/** Waits for the first byte of a request. */
const IDLE = 0
/** Has a part of a head. */
const HEAD = 1
/** A request is under way. */
const BUSY = 2
/** Everything was said; reads on for a moment, so that the last answer is not lost to a reset. */
const LINGERING = 3
const CLOSED = 4

const LINGER_MS = 2_000
const NOTHING: Buffer = Buffer.alloc(0)

/** One client connection of an HTTP route: its requests, one after the other, in order. */
export class ClientConnection extends Timed {
  readonly socket: ClientSocket
  readonly #context: HttpContext
  readonly #onClosed: (connection: ClientConnection) => void
  #state: number = IDLE
  /** What was received and not yet taken: a part of a head, or requests that came early. */
  #bytes = NOTHING
  #exchange: Exchange | null = null
  #requests = 0
  /** How long it may wait for the first byte of a request. */
  #idleMs: number
  #isReading = false

  constructor(socket: Socket, context: HttpContext, onClosed: (connection: ClientConnection) => void) {
    super()
    this.socket = new ClientSocket(socket, () => this.#exchange?.clientFlushed())
    this.#context = context
    this.#onClosed = onClosed
    this.#idleMs = context.route.timeoutsMs.idle
    socket
      .on('data', (chunk: Buffer) => this.#receive(chunk))
      .once('end', () => this.#ended())
      .on('error', () => socket.destroy())
      .once('close', () => this.#closed())
    this.allow(this.#idleMs)
  }

  /** From now on `ms` for the next step. */
  allow(ms: number): void {
    this.#context.deadlines.set(this, ms)
  }

  /** Another request may follow on this connection. */
  get mayPersist(): boolean {
    const { draining, route } = this.#context
    const hasMore = this.#isReading || this.#bytes.length > 0 || !this.socket.hasEnded
    return !draining && hasMore && this.#requests < route.limits.requestsPerConnection
  }

  /** The answer was written; with `keep` the next request may follow. */
  answered(keep: boolean): void {
    if (this.#state !== BUSY) return
    if (keep) this.#next()
    else this.#linger()
  }

  /** No further request after the one under way; while it waits for the first byte of one it gets `graceMs`. */
  wrapUp(graceMs: number): void {
    this.#idleMs = Math.min(this.#idleMs, graceMs)
    if (this.#state === IDLE) this.allow(graceMs)
  }

  expire(): void {
    if (this.#state === BUSY) this.#exchange?.expire()
    else if (this.#state === HEAD) this.#refuse(clientTooSlow())
    else if (this.#state === IDLE) this.#linger()
    else this.socket.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#state === BUSY) this.#receiveWhileBusy(chunk)
    else if (this.#state === IDLE) this.#read(chunk, false)
    else if (this.#state === HEAD) this.#read(Buffer.concat([this.#bytes, chunk]), true)
  }

  #receiveWhileBusy(chunk: Buffer): void {
    const exchange = this.#exchange as Exchange
    const position = exchange.isRequestDone ? 0 : exchange.receive(chunk)
    if (position < chunk.length) this.#keepForLater(chunk.subarray(position))
  }

  /** Requests may be sent ahead, within the size of a head. */
  #keepForLater(bytes: Buffer): void {
    if (this.#state !== BUSY) return
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    if (this.#bytes.length > this.#context.route.limits.headBytes) this.socket.pause()
  }

  #next(): void {
    this.#state = IDLE
    this.allow(this.#idleMs)
    this.socket.resume()
    if (this.#isReading) return
    if (this.#bytes.length > 0) this.#read(this.#bytes, false)
    if (this.socket.hasEnded && this.#state !== BUSY) this.#linger()
  }

  /** Takes one request after the other until one has to be waited for. */
  #read(bytes: Buffer, hasTime: boolean): void {
    let start = 0
    this.#state = IDLE
    this.#bytes = NOTHING
    this.#isReading = true
    while (start < bytes.length && this.#state === IDLE)
      start = this.#readRequest(bytes, start, hasTime && start === 0)
    this.#isReading = false
    if (start < bytes.length) this.#keepForLater(bytes.subarray(start))
  }

  /** @returns the position after the request. */
  #readRequest(bytes: Buffer, from: number, hasTime: boolean): number {
    const { headBytes } = this.#context.route.limits
    const start = afterEmptyLine(bytes, from)
    const position = start < 0 ? INCOMPLETE : parseRequestHead(parsed.head, bytes, start, bytes.length)
    parsed.by = null
    const length = (position === INCOMPLETE ? bytes.length : position) - start
    if (length > headBytes) this.#refuse(headTooLarge(headBytes))
    else if (position === REFUSED) this.#refuse(refused(parsed.head.refusal))
    else if (position === INCOMPLETE) this.#awaitHead(bytes.subarray(from), hasTime)
    else return this.#start(bytes, start)
    return bytes.length
  }

  #start(bytes: Buffer, start: number): number {
    this.#state = BUSY
    this.#requests += 1
    this.#exchange ??= new Exchange(this, this.#context)
    return this.#exchange.start(bytes, start)
  }

  #awaitHead(bytes: Buffer, hasTime: boolean): void {
    this.#state = HEAD
    this.#bytes = bytes
    if (!hasTime) this.allow(this.#context.route.timeoutsMs.head)
  }

  #refuse(failure: Failure): void {
    this.#context.counters.fail(failure.code)
    this.#context.counters.answered('', statusOf(failure), 0)
    this.socket.write(problemAnswer(failure, { close: true, headOnly: false }))
    this.#linger()
  }

  #linger(): void {
    this.#state = LINGERING
    this.#bytes = NOTHING
    this.socket.end()
    this.allow(LINGER_MS)
  }

  #ended(): void {
    if (this.#state === IDLE) this.#linger()
    else if (this.#state === BUSY && this.#exchange?.isRequestDone) this.#exchange.clientEnded()
    else if (this.#state !== LINGERING) this.socket.destroy()
  }

  #closed(): void {
    this.#state = CLOSED
    this.#context.deadlines.clear(this)
    this.#exchange?.clientGone()
    this.#onClosed(this)
  }
}

/** One empty line before a request is ignored (RFC 9112 section 2.2). @returns -1 while only half of it is there. */
function afterEmptyLine(bytes: Buffer, start: number): number {
  if (bytes[start] !== CR) return start
  if (start + 1 === bytes.length) return -1
  return bytes[start + 1] === LF ? start + 2 : start
}

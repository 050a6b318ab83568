import type { Socket } from 'node:net'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { statusOf } from '@uds-sidecar/shared/failure/failures'
import { CR, LF } from '../http1/bytes.ts'
import { INCOMPLETE } from '../http1/fields.ts'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { PartialHead } from '../http1/partial-head.ts'
import { REFUSED, type RequestHead } from '../http1/request-head.ts'
import { ByteQueue } from './byte-queue.ts'
import { ClientSocket } from './client-socket.ts'
import type { Peer } from './connection-limits.ts'
import { Timed } from './deadlines.ts'
import { Exchange } from './exchange.ts'
import type { HttpContext } from './http-context.ts'
import { problemResponse } from './problem-response.ts'
import { clientTooSlow, headTooLarge, refused, targetTooLong } from './relay-failures.ts'

/** Waits for the first byte of a request. */
const IDLE = 0
/** Has a part of a head. */
const HEAD = 1
/** A request is under way. */
const BUSY = 2
/** Everything was said; reads on for a while, so that the last response is not lost to a reset (RFC 9112 section 9.6). */
const LINGERING = 3
const CLOSED = 4

/** After the last byte that came from a client that was told everything. */
const LINGER_MS = 2_000
/** However much still comes. */
const MAX_LINGER_MS = 30_000

/** One client connection of an HTTP route: its requests, one after the other, in order. */
export class ClientConnection extends Timed {
  readonly socket: ClientSocket
  readonly #context: HttpContext
  readonly #onClosed: (connection: ClientConnection) => void
  #state: number = IDLE
  /** A head whose rest is to come. */
  #partial: PartialHead | null = null
  /** Requests that came early. */
  #early: ByteQueue | null = null
  /** The deadline is that of the head which comes. */
  #isHeadTimed = false
  #lingerUntilMs = 0
  #exchange: Exchange | null = null
  #requests = 0
  /** How long it may wait for the first byte of a request. */
  #idleMs: number
  #isReading = false

  constructor(
    socket: Socket,
    peer: Peer,
    context: HttpContext,
    onClosed: (connection: ClientConnection) => void,
  ) {
    super()
    this.socket = new ClientSocket(socket, peer, () => this.#exchange?.clientFlushed())
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
    const hasMore = this.#isReading || this.#earlyBytes > 0 || !this.socket.hasEnded
    return !draining && hasMore && this.#requests < route.limits.requestsPerConnection
  }

  /** The response was written; with `keep` the next request may follow. */
  answered(keep: boolean): void {
    if (this.#state !== BUSY) return
    if (keep) this.#next()
    else this.#linger()
  }

  /** No further request after the one under way; while it waits for the first byte of one it gets `graceMs`. */
  wrapUp(graceMs: number): void {
    this.#idleMs = Math.min(this.#idleMs, graceMs)
    if (this.#state === IDLE) this.allow(graceMs)
    if (this.#state === LINGERING) this.#lingerUntilMs = this.#context.deadlines.nowMs + LINGER_MS
  }

  expire(): void {
    if (this.#state === BUSY) this.#exchange?.expire()
    else if (this.#state === HEAD && this.#isHeadTimed) this.#refuse(clientTooSlow())
    else if (this.#state === HEAD || this.#state === IDLE) this.#linger()
    else if (this.socket.isFull) this.socket.reset()
    else this.socket.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#state === BUSY) this.#receiveWhileBusy(chunk)
    else if (this.#state === IDLE) this.#read(chunk)
    else if (this.#state === HEAD) this.#receiveHead(this.#partial as PartialHead, chunk)
    else if (this.#state === LINGERING) this.#lingerOn()
  }

  #receiveWhileBusy(chunk: Buffer): void {
    const exchange = this.#exchange as Exchange
    const position = exchange.isRequestDone ? 0 : exchange.receive(chunk)
    if (position < chunk.length) this.#keepForLater(chunk.subarray(position))
  }

  #receiveHead(partial: PartialHead, chunk: Buffer): void {
    const { headBytes } = this.#context.route.limits
    const isWorthwhile = partial.append(chunk)
    if (isWorthwhile || partial.length > headBytes) this.#read(partial.bytes)
  }

  /** Requests may be sent ahead, within the size of a head. */
  #keepForLater(bytes: Buffer): void {
    if (this.#state !== BUSY) return
    this.#early ??= new ByteQueue()
    this.#early.push(bytes)
    this.#holdBack()
  }

  #holdBack(): void {
    if (this.#earlyBytes > this.#context.route.limits.headBytes) this.socket.pause('early')
  }

  get #earlyBytes(): number {
    return this.#early === null ? 0 : this.#early.length
  }

  #next(): void {
    this.#state = IDLE
    this.allow(this.#idleMs)
    this.socket.resume('exchange')
    if (this.#isReading) return
    if (this.#early !== null && this.#early.length > 0) this.#read(this.#early.takeAll())
    // What is left is not put together with more before half of it is used up, which would copy it again and again.
    if (this.#earlyBytes <= this.#context.route.limits.headBytes / 2) this.socket.resume('early')
    if (this.socket.hasEnded && this.#state !== BUSY) this.#linger()
  }

  /** Takes one request after the other until one has to be waited for. */
  #read(bytes: Buffer): void {
    let start = 0
    this.#state = IDLE
    this.#isReading = true
    while (start < bytes.length && this.#state === IDLE) start = this.#readRequest(bytes, start)
    this.#isReading = false
    if (this.#state !== HEAD) this.#partial = null
    if (start === bytes.length || this.#state !== BUSY) return
    this.#early ??= new ByteQueue()
    this.#early.unshift(bytes.subarray(start))
    this.#holdBack()
  }

  /** @returns the position after the request. */
  #readRequest(bytes: Buffer, from: number): number {
    const start = afterEmptyLines(bytes, from)
    if (start === bytes.length) return start
    const isHalfLine = start + 1 === bytes.length && bytes[start] === CR
    const { heads, headRules } = this.#context
    const head = heads.take()
    const position = isHalfLine ? INCOMPLETE : parseRequestHead(head, bytes, start, bytes.length, headRules)
    const failure = this.#failureOf(head, position, bytes, start)
    if (failure === null && position !== INCOMPLETE) return this.#start(head, bytes, start)
    heads.give(head)
    if (failure !== null) this.#refuse(failure)
    else this.#awaitHead(bytes, start, isHalfLine)
    return bytes.length
  }

  #failureOf(head: RequestHead, position: number, bytes: Buffer, start: number): Failure | null {
    const { headBytes } = this.#context.route.limits
    const length = (position > 0 ? position : bytes.length) - start
    if (length > headBytes && position !== REFUSED) {
      const lineEnd = bytes.indexOf(LF, start)
      const isLine = lineEnd < 0 || lineEnd - start >= headBytes
      return isLine ? targetTooLong(headBytes) : headTooLarge(headBytes)
    }
    return position === REFUSED ? refused(head.refusal) : null
  }

  #start(head: RequestHead, bytes: Buffer, start: number): number {
    this.#state = BUSY
    this.#isHeadTimed = false
    this.#requests += 1
    this.#exchange ??= new Exchange(this, this.#context)
    return this.#exchange.start(head, bytes, start)
  }

  /** Its deadline is that of its first byte, however often more of it comes; half of an empty line is not yet a head. */
  #awaitHead(bytes: Buffer, start: number, isHalfLine: boolean): void {
    const isSame = this.#partial !== null && bytes.length - start === this.#partial.length
    this.#state = HEAD
    if (!isSame) this.#partial = new PartialHead(bytes, start, bytes.length)
    if (this.#isHeadTimed || isHalfLine) return
    this.#isHeadTimed = true
    this.allow(this.#context.route.timeoutsMs.head)
  }

  #refuse(failure: Failure): void {
    this.#context.counters.fail(failure.code)
    this.#context.counters.answered('', statusOf(failure.code), 0)
    this.socket.write(problemResponse(failure, { connection: 'close', headOnly: false }))
    this.#linger()
  }

  #linger(): void {
    this.#state = LINGERING
    this.#partial = null
    this.#early = null
    this.#lingerUntilMs = this.#context.deadlines.nowMs + MAX_LINGER_MS
    this.socket.end()
    this.allow(LINGER_MS)
  }

  /** The client is still sending what nobody wants any more. */
  #lingerOn(): void {
    this.allow(Math.min(LINGER_MS, this.#lingerUntilMs - this.#context.deadlines.nowMs))
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

/** Empty lines before a request are ignored (RFC 9112 section 2.2): some clients send one after a body. */
function afterEmptyLines(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2
  return at
}

import type { Socket } from 'node:net'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { statusOf } from '@uds-sidecar/shared/failure/failures'
import { CR, LF } from '../http1/bytes.ts'
import { CLIENT_STATES, type ClientEvent, type ClientState, stateAfter } from '../http1/connection-states.ts'
import { INCOMPLETE } from '../http1/fields.ts'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { PartialHead } from '../http1/partial-head.ts'
import { REFUSED, type RequestHead } from '../http1/request-head.ts'
import { ByteQueue } from './byte-queue.ts'
import { ClientSocket, type Connecting } from './client-socket.ts'
import { Timed } from './deadlines.ts'
import { Exchange } from './exchange.ts'
import { logRefused } from './exchange-log.ts'
import type { HttpRelay } from './http-relay.ts'
import { problemResponse } from './problem-response.ts'
import { readCopies } from './read-buffer.ts'
import { clientTooSlow, headTooLarge, refused, targetTooLong } from './relay-failures.ts'
import type { SwitchedClient } from './response-taker.ts'

/** Lingering ends after so long without a byte from the client. */
const LINGER_MS = 2_000
/** Lingering ends after so long in any case. */
const MAX_LINGER_MS = 30_000

/** One client connection of an HTTP route: its requests, one after the other, in order. */
export class ClientConnection extends Timed {
  readonly socket: ClientSocket
  readonly #relay: HttpRelay
  readonly #onClosed: (connection: ClientConnection) => void
  #state: ClientState = 'idle'
  /** A head that is not whole yet. */
  #partial: PartialHead | null = null
  /** Pipelined requests: they came before the response to the current one was written. */
  #early: ByteQueue | null = null
  /** The deadline of a head is set, and is not moved by further bytes of it. */
  #isHeadTimed = false
  #lingerUntilMs = 0
  #exchange: Exchange | null = null
  #requests = 0
  /** How long the connection may wait for the first byte of a request. */
  #idleMs: number
  #isReading = false

  constructor(
    socket: Socket,
    connecting: Connecting,
    relay: HttpRelay,
    onClosed: (connection: ClientConnection) => void,
  ) {
    super()
    this.socket = new ClientSocket(socket, connecting, () => this.#exchange?.clientFlushed())
    this.#relay = relay
    this.#onClosed = onClosed
    this.#idleMs = relay.route.timeoutsMs.idle
    socket
      .on('data', (chunk: Buffer) => this.#receive(chunk))
      .once('end', () => this.#ended())
      .on('error', () => socket.destroy())
      .once('close', () => this.#closed())
    readCopies(socket, relay.buffers, (chunk) => this.#receive(chunk))
    this.allow(this.#idleMs)
  }

  /** The next step may take `ms` from now on. */
  allow(ms: number): void {
    this.#relay.deadlines.set(this, ms)
  }

  /** Another request may follow on this connection. */
  get mayPersist(): boolean {
    const { isDraining, route } = this.#relay
    const hasMore = this.#isReading || this.#earlyBytes() > 0 || !this.socket.hasEnded
    return !isDraining && hasMore && this.#requests < route.limits.requestsPerConnection
  }

  /** The response was written; with `keep` the next request may follow. */
  responded(keep: boolean): void {
    if (this.#state !== 'busy') return
    this.socket.endRequest()
    if (keep) this.#next()
    else this.#linger('response written, close')
  }

  /** The response to the current request has switched protocols: the bytes of the client are not HTTP any more. */
  switchProtocols(): SwitchedClient {
    const early = this.#early?.takeAll() ?? Buffer.alloc(0)
    this.#change('switched protocols')
    this.#relay.deadlines.clear(this)
    this.#early = null
    return { socket: this.socket.handOver(), early }
  }

  /**
   * The current request is the last one. An idle connection stays open for `graceMs`, because a request may be on its way.
   */
  wrapUp(graceMs: number): void {
    this.#idleMs = Math.min(this.#idleMs, graceMs)
    if (this.#state === 'idle') this.allow(graceMs)
    if (this.#state === 'lingering') this.#lingerUntilMs = this.#relay.deadlines.nowMs + LINGER_MS
  }

  /** The time to drain is over. */
  cut(): void {
    this.#exchange?.interrupt()
    this.socket.reset()
  }

  expire(): void {
    if (this.#state === 'busy') this.#exchange?.expire()
    else if (this.#state === 'head' && this.#isHeadTimed)
      this.#refuse(clientTooSlow(), this.#partial?.bytes ?? null)
    else if (this.#mayRead()) this.#linger('no further request')
    else if (this.socket.isFull) this.socket.reset()
    else this.socket.destroy()
  }

  #change(event: ClientEvent): void {
    this.#state = stateAfter(CLIENT_STATES, this.#state, event)
  }

  /** The next bytes belong to a head. */
  #mayRead(): boolean {
    return this.#state === 'idle' || this.#state === 'head'
  }

  #receive(chunk: Buffer): void {
    this.#relay.deadlines.hold()
    try {
      if (this.#state === 'busy') this.#receiveWhileBusy(chunk)
      else if (this.#state === 'idle') this.#read(chunk)
      else if (this.#state === 'head') this.#receiveHead(this.#partial as PartialHead, chunk)
      else if (this.#state === 'lingering') this.#lingerOn()
    } finally {
      this.#relay.deadlines.release()
    }
  }

  #receiveWhileBusy(chunk: Buffer): void {
    const exchange = this.#exchange as Exchange
    const position = exchange.isRequestDone ? 0 : exchange.receive(chunk)
    if (position < chunk.length) this.#keepForLater(chunk.subarray(position))
  }

  #receiveHead(partial: PartialHead, chunk: Buffer): void {
    const { headBytes } = this.#relay.route.limits
    const isWorthwhile = partial.append(chunk)
    if (isWorthwhile || partial.length > headBytes) this.#read(partial.bytes)
  }

  /** A client may pipeline requests, within the size of a head. */
  #keepForLater(bytes: Buffer): void {
    if (this.#state !== 'busy') return
    this.#early ??= new ByteQueue()
    this.#early.push(bytes)
    this.#holdBack()
  }

  #holdBack(): void {
    if (this.#earlyBytes() > this.#relay.route.limits.headBytes) this.socket.pause('early')
  }

  #earlyBytes(): number {
    return this.#early === null ? 0 : this.#early.length
  }

  #next(): void {
    this.#change('response written, keep')
    this.allow(this.#idleMs)
    this.socket.resume('exchange')
    if (this.#isReading) return
    if (this.#early !== null && this.#early.length > 0) this.#read(this.#early.takeAll())
    // Read on only when half of it is used up: joining the rest with new bytes each time would copy it again and again.
    if (this.#earlyBytes() <= this.#relay.route.limits.headBytes / 2) this.socket.resume('early')
    if (this.socket.hasEnded && this.#state !== 'busy') this.#linger('no further request')
  }

  /** Takes one request after the other, until one is not whole or its response takes time. */
  #read(bytes: Buffer): void {
    let start = 0
    this.#isReading = true
    while (start < bytes.length && this.#mayRead()) start = this.#readRequest(bytes, start)
    this.#isReading = false
    if (this.#state !== 'head') this.#partial = null
    if (start === bytes.length || this.#state !== 'busy') return
    this.#early ??= new ByteQueue()
    this.#early.unshift(bytes.subarray(start))
    this.#holdBack()
  }

  /** @returns the position after the request. */
  #readRequest(bytes: Buffer, from: number): number {
    const start = afterEmptyLines(bytes, from)
    if (start === bytes.length) this.#change('empty lines')
    if (start === bytes.length) return start
    const isHalfLine = start + 1 === bytes.length && bytes[start] === CR
    const { heads, headRules } = this.#relay
    const head = heads.take()
    const position = isHalfLine ? INCOMPLETE : parseRequestHead(head, bytes, start, bytes.length, headRules)
    const failure = this.#failureOf(head, position, bytes, start)
    if (failure === null && position !== INCOMPLETE) return this.#start(head, bytes, start)
    heads.give(head)
    if (failure !== null) this.#refuse(failure, bytes.subarray(start))
    else this.#awaitHead(bytes, start, isHalfLine)
    return bytes.length
  }

  #failureOf(head: RequestHead, position: number, bytes: Buffer, start: number): Failure | null {
    const { headBytes } = this.#relay.route.limits
    const length = (position > 0 ? position : bytes.length) - start
    if (length > headBytes && position !== REFUSED) {
      const lineEnd = bytes.indexOf(LF, start)
      const isLine = lineEnd < 0 || lineEnd - start >= headBytes
      return isLine ? targetTooLong(headBytes) : headTooLarge(headBytes)
    }
    return position === REFUSED ? refused(head.refusal) : null
  }

  #start(head: RequestHead, bytes: Buffer, start: number): number {
    this.#change('whole head')
    this.#isHeadTimed = false
    this.#requests += 1
    this.#followProxies(head, bytes)
    this.#exchange ??= new Exchange(this, this.#relay)
    return this.#exchange.start(head, bytes, start)
  }

  /** A trusted proxy says in the fields of each request whose it is. */
  #followProxies(head: RequestHead, bytes: Buffer): void {
    const { forwarded } = this.#relay
    const { connected } = this.socket
    if (forwarded?.isProxy(connected)) this.socket.startRequest(forwarded.of(connected, head, bytes))
  }

  /** The deadline counts from the first byte of the head. Half of an empty line is not yet a head. */
  #awaitHead(bytes: Buffer, start: number, isHalfLine: boolean): void {
    const isSame = this.#partial !== null && bytes.length - start === this.#partial.length
    this.#change('part of a head')
    if (!isSame) this.#partial = new PartialHead(bytes, start, bytes.length)
    if (this.#isHeadTimed || isHalfLine) return
    this.#isHeadTimed = true
    this.allow(this.#relay.route.timeoutsMs.head)
  }

  /** @param head its bytes, as far as they are here */
  #refuse(failure: Failure, head: Buffer | null): void {
    this.#relay.counters.fail(failure)
    this.#relay.counters.responded('', statusOf(failure.code), 0)
    const response = problemResponse(failure, { connection: 'close', headOnly: false })
    logRefused(this.#relay.accessLog, this.socket.caller, failure, { head, bytesToClient: response.length })
    this.socket.write(response)
    this.#linger('head refused')
  }

  #linger(event: ClientEvent): void {
    this.#change(event)
    this.#partial = null
    this.#early = null
    this.#lingerUntilMs = this.#relay.deadlines.nowMs + MAX_LINGER_MS
    this.socket.end()
    this.allow(LINGER_MS)
  }

  /** The client still sends; its bytes are dropped. */
  #lingerOn(): void {
    this.allow(Math.min(LINGER_MS, this.#lingerUntilMs - this.#relay.deadlines.nowMs))
  }

  #ended(): void {
    if (this.#state === 'idle') this.#linger('no further request')
    else if (this.#state === 'busy' && this.#exchange?.isRequestDone) this.#exchange.clientEnded()
    else if (this.#state !== 'lingering' && this.#state !== 'tunnel') this.socket.destroy()
  }

  #closed(): void {
    this.#change('socket closed')
    this.#relay.deadlines.clear(this)
    this.#exchange?.clientGone()
    this.socket.endRequest()
    this.#onClosed(this)
  }
}

/** Empty lines before a request are ignored (RFC 9112 section 2.2): some clients send one after a body. */
function afterEmptyLines(bytes: Buffer, start: number): number {
  let at = start
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2
  return at
}

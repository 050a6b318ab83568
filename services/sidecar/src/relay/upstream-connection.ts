import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { HttpRoute } from '../config/config.ts'
import {
  stateAfter,
  UPSTREAM_STATES,
  type UpstreamEvent,
  type UpstreamState,
} from '../http1/connection-states.ts'
import { HEADROOM } from '../http1/rewrite-response.ts'
import type { Peer } from './connection-limits.ts'
import { type Deadlines, Timed } from './deadlines.ts'
import type { LargeBuffer } from './large-buffers.ts'
import type { Outgoing } from './outgoing.ts'
import { notConnected } from './relay-failures.ts'
import { ResponseReader } from './response-reader.ts'
import type { ResponseSource, ResponseTaker } from './response-taker.ts'
import { UpstreamSocket, type UpstreamSocketOwner } from './upstream-socket.ts'

/** Time to read a response that the upstream sent before it stopped reading the request. */
const LAST_WORD_MS = 100

/** How long a server surely keeps an idle connection that it has not announced to close. */
const SURE_MS = 1_000

/** What a connection needs of the pool that owns it. */
export interface ConnectionOwner {
  readonly endpoint: Endpoint
  /** For messages. */
  readonly name: string
  readonly timeoutsMs: HttpRoute['timeoutsMs']
  readonly limits: HttpRoute['limits']
  readonly deadlines: Deadlines
  connected(): void
  /** A request has got this connection. */
  began(connection: UpstreamConnection, taker: ResponseTaker): void
  /** The pool has an idle connection. */
  readonly hasIdle: boolean
  /** The body of its request was sent whole. */
  uploaded(connection: UpstreamConnection): void
  /** Its request is over. */
  ended(connection: UpstreamConnection): void
  /** The connection may be used again. */
  release(connection: UpstreamConnection): void
  closed(connection: UpstreamConnection): void
  /** A response was received whole. */
  responded(): void
  /** @param isDown the upstream does not accept connections */
  failed(failure: Failure, isDown: boolean): void
  readonly outgoing: Outgoing
}

/** One connection to the upstream, used for one request after the other. */
export class UpstreamConnection extends Timed implements ResponseSource, UpstreamSocketOwner {
  /** The client of the current request, and whether its body is not whole yet: the pool counts both. */
  peer: Peer | null = null
  isUpload = false
  /** Beside the connections that requests share: it is counted as a tunnel. */
  readonly isTunnel: boolean
  readonly #pool: ConnectionOwner
  readonly #socket: UpstreamSocket
  readonly #reader: ResponseReader
  #state: UpstreamState = 'connecting'
  #taker: ResponseTaker | null
  /** The upstream reads no more: the rest of the request is dropped. */
  #isDeaf = false
  /** Of the current request. */
  #writes = 0
  #isRequestSent = false
  #isForOne: boolean
  #isRetired = false
  #surelyOpenUntilMs = 0
  #responses = 0

  constructor(pool: ConnectionOwner, taker: ResponseTaker) {
    super()
    this.#pool = pool
    this.#taker = taker
    this.#isForOne = taker.needsFresh && !pool.outgoing.isTls
    this.isTunnel = taker.isTunnel
    this.#reader = new ResponseReader(pool.name, pool.limits)
    this.#socket = new UpstreamSocket(pool.endpoint, this, pool.outgoing.dialOptions())
    pool.deadlines.set(this, pool.timeoutsMs.connect)
  }

  /** Did not connect in time, sent no response after it stopped reading, or was idle for too long. */
  expire(): void {
    const { name, timeoutsMs } = this.#pool
    if (this.#state === 'connecting')
      this.#fail(notConnected(name, timeoutsMs.connect, this.#socket.isAccepted))
    else if (this.#state === 'busy') this.ended()
    else this.close()
  }

  /** Milliseconds for which it has waited for the client of its request; 0: it does not wait. */
  stalledMs(nowMs: number): number {
    return this.#state === 'busy' && this.#taker !== null ? this.#taker.stalledMs(nowMs) : 0
  }

  /** Ends the current request: its client is too slow, and other requests wait. */
  giveUpSlow(): void {
    this.#taker?.giveUpSlow()
  }

  /** Sends a request on an idle connection. */
  use(taker: ResponseTaker): void {
    this.#taker = taker
    this.#begin(taker, 'request')
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#change('closed')
    this.#taker = null
    this.#pool.deadlines.clear(this)
    this.#socket.destroy()
    this.#pool.closed(this)
  }

  write(bytes: Buffer): boolean {
    this.#writes += 1
    return this.#isDeaf || this.#socket.write(bytes)
  }

  get isLent(): boolean {
    return this.#socket.isLent
  }

  get isWriting(): boolean {
    return this.#socket.isWriting
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  leaveLent(): LargeBuffer {
    return this.#socket.leaveLent()
  }

  requestSent(): void {
    this.#isRequestSent = true
    this.#pool.uploaded(this)
  }

  cancel(): void {
    this.close()
  }

  connected(): void {
    if (this.#state !== 'connecting' || this.#taker === null) return
    this.#pool.connected()
    this.#begin(this.#taker, 'connected')
  }

  #begin(taker: ResponseTaker, event: UpstreamEvent): void {
    this.#pool.deadlines.clear(this)
    this.#change(event)
    this.#isRequestSent = false
    this.#pool.began(this, taker)
    this.#writes = 0
    this.#reader.start()
    taker.begin(this)
  }

  #change(event: UpstreamEvent): void {
    this.#state = stateAfter(UPSTREAM_STATES, this.#state, event)
  }

  drained(): void {
    this.#taker?.requestDrained()
  }

  writeFailed(): boolean {
    const isWorthWaiting = this.#state === 'busy' && !this.#isDeaf && this.#writes > 1
    if (isWorthWaiting) this.#pool.deadlines.set(this, LAST_WORD_MS)
    this.#isDeaf = true
    return isWorthWaiting
  }

  received(bytes: Buffer, end: number): void {
    this.#pool.deadlines.hold()
    try {
      if (this.#state === 'busy') this.#readResponse(bytes, end, this.#taker as ResponseTaker)
      else this.close() // bytes that belong to no request
    } finally {
      this.#pool.deadlines.release()
    }
  }

  #readResponse(bytes: Buffer, end: number, taker: ResponseTaker): void {
    const failure = this.#reader.read(bytes, HEADROOM, end, taker)
    if (failure !== null) this.#fail(failure)
    else if (this.#reader.rest !== null) this.#switch(taker, this.#reader.rest)
    else if (this.#reader.isDone) this.#finish()
  }

  /** The socket belongs to the tunnel from now on. */
  #switch(taker: ResponseTaker, rest: Buffer): void {
    this.#change('switched protocols')
    this.#taker = null
    this.#pool.deadlines.clear(this)
    this.#pool.responded()
    taker.switched({ rest, handOver: (reading) => this.#socket.handOver(reading) })
  }

  /** The response is whole. The connection goes back to the pool first: the taker may send its next request at once. */
  #finish(): void {
    const taker = this.#taker
    if (taker === null) return
    this.#pool.responded()
    if (this.#reader.isReusable && this.#isRequestSent && this.#isWorthKeeping()) this.#becomeIdle()
    else this.close()
    taker.finish()
  }

  /** From now on it serves no other request: it was made with certificates that are not in use any more. */
  retire(): void {
    this.#isRetired = true
  }

  /** A connection that was opened for one request is kept only while the pool has no other idle one. */
  #isWorthKeeping(): boolean {
    if (this.#isRetired || this.isTunnel) return false
    return !this.#isForOne || !this.#pool.hasIdle
  }

  /** Whether its server surely keeps it open for one more request, although that cannot be sent twice. */
  get isSurelyOpen(): boolean {
    return this.#pool.deadlines.nowMs < this.#surelyOpenUntilMs
  }

  #becomeIdle(): void {
    const { upstreamIdle } = this.#pool.timeoutsMs
    const announced = this.#reader.keepAliveSeconds
    const sureMs = announced < 0 ? SURE_MS : announced * 800
    this.#surelyOpenUntilMs = this.#pool.deadlines.nowMs + Math.min(sureMs, upstreamIdle)
    this.#responses += 1
    this.#isForOne = false
    this.#taker = null
    this.#pool.ended(this)
    this.#change('response whole, keep')
    if (this.#socket.isPaused) this.#socket.leaveLent()
    this.#pool.deadlines.set(this, announced < 0 ? upstreamIdle : Math.min(upstreamIdle, announced * 800))
    this.#pool.release(this)
  }

  ended(error?: Error): void {
    if (this.#state === 'busy') this.#endedWhileBusy(error)
    else if (this.#state === 'idle') this.close()
    else if (this.#state === 'connecting' && error !== undefined) this.#explain(error)
  }

  #explain(error: unknown): void {
    const failure = this.#socket.explain(error)
    if (failure instanceof Failure) this.#fail(failure)
    else failure.then((explained) => this.#fail(explained))
  }

  #endedWhileBusy(error?: Error): void {
    const failure = this.#reader.end(error)
    if (failure === null) this.#finish()
    // In TLS 1.3 a server refuses our certificate after the handshake, with an alert.
    else if (isTlsAlert(error) && !this.#reader.hasBegun) this.#explain(error)
    else this.#fail(failure)
  }

  #fail(failure: Failure): void {
    if (this.#state === 'closed') return
    const taker = this.#taker
    const isConnecting = this.#state === 'connecting'
    const wasIdle = this.#responses > 0 && !this.#reader.hasBegun
    this.close()
    this.#pool.failed(failure, isConnecting)
    taker?.fail(failure, wasIdle)
  }
}

function isTlsAlert(error: NodeJS.ErrnoException | undefined): boolean {
  return error?.code?.startsWith('ERR_SSL_') === true && error.code.includes('_ALERT_')
}

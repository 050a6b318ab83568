import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { TraceContext } from '@uds-sidecar/shared/http/trace-context'
import { BROKEN } from '../http1/chunked.ts'
import type { RequestHead } from '../http1/request-head.ts'
import type { ResponseHead } from '../http1/response-head.ts'
import { CLIENT_LEFT } from '../observe/access-log.ts'
import { bodyTooLarge, type Refused } from '../policy/admission.ts'
import type { Peer } from './connection-limits.ts'
import { ExchangeLog } from './exchange-log.ts'
import { ExchangeTime } from './exchange-time.ts'
import { ExchangeTunnel } from './exchange-tunnel.ts'
import type { HttpRelay } from './http-relay.ts'
import { Judging } from './judging.ts'
import { Moments } from './moments.ts'
import { clientTooSlow, judgedTooLate, requestBodyBroken, waitedTooLong } from './relay-failures.ts'
import { RequestDelivery } from './request-delivery.ts'
import type { Allowed, Verdict } from './request-judge.ts'
import { RequestSender } from './request-sender.ts'
import { ResponseSender } from './response-sender.ts'
import type { ExchangeClient, ResponseSource, ResponseTaker, SwitchedUpstream } from './response-taker.ts'
import type { Tunnel } from './tunnels.ts'

/**
 * One request and its response: decides what becomes of the request, has it delivered to the upstream, and connects the
 * response with the client. A client connection uses one exchange for one request after the other.
 */
export class Exchange implements ResponseTaker {
  readonly #client: ExchangeClient
  readonly #relay: HttpRelay
  readonly #request: RequestSender
  readonly #response: ResponseSender
  #isOver = true
  /** The response is whole, and the client's socket has not taken all of it. */
  #isFlushing = false
  readonly #judging: Judging
  readonly #tunnel: ExchangeTunnel
  /** The client that sent the request, as far as it is known. */
  #user: string | null = null
  readonly #log: ExchangeLog
  readonly #moments: Moments
  readonly #time: ExchangeTime
  readonly #delivery: RequestDelivery

  constructor(client: ExchangeClient, relay: HttpRelay) {
    this.#client = client
    this.#relay = relay
    this.#moments = new Moments(relay.deadlines)
    this.#request = new RequestSender(relay.headRules, relay.writer)
    this.#response = new ResponseSender(client.socket, relay, this.#moments)
    this.#log = new ExchangeLog(relay.accessLog, client.socket, this.#request, this.#response, this.#moments)
    this.#tunnel = new ExchangeTunnel(this, relay)
    this.#time = new ExchangeTime(client, relay, this.#request, this.#response, this.#tunnel)
    this.#delivery = new RequestDelivery({
      exchange: this,
      client: client.socket,
      relay,
      request: this.#request,
      response: this.#response,
      time: this.#time,
      moments: this.#moments,
    })
    this.#judging = new Judging(client.socket, relay, this.#request, (verdict) => this.#follow(verdict))
  }

  get method(): string {
    return this.#response.method
  }

  get minor(): number {
    return this.#response.minor
  }

  get peer(): Peer {
    return this.#client.socket.peer
  }

  /** The request was received whole. */
  get isRequestDone(): boolean {
    return this.#request.isDone
  }

  get isTunnel(): boolean {
    return this.#tunnel.isLong || this.#tunnel.mayUpgrade
  }

  get isUnbounded(): boolean {
    return this.#tunnel.isLong
  }

  get needsFresh(): boolean {
    return this.isTunnel || this.#delivery.needsFresh
  }

  /**
   * Takes the request of `head`, whose bytes begin at `start`. The head is given back when the exchange is over.
   * @returns the position after the bytes that belong to the request.
   */
  start(head: RequestHead, bytes: Buffer, start: number): number {
    this.#isOver = false
    this.#isFlushing = false
    this.#moments.start()
    this.#response.start(head)
    this.#log.start(head, bytes, start)
    const position = this.#request.start(head, bytes, start)
    const isBroken = position === BROKEN
    this.#time.start(head.scrapeTimeoutMs)
    this.#judging.start(head, bytes, isBroken)
    if (this.#judging.isPending) this.#time.allow(this.#relay.route.timeoutsMs.responseHead)
    return isBroken ? bytes.length : position
  }

  #follow(verdict: Verdict): void {
    if (verdict !== null && 'user' in verdict) this.#log.user = verdict.user
    if (verdict !== null && 'failure' in verdict) this.#refuse(verdict)
    else if (verdict !== null && 'allow' in verdict) this.#respondToOptions(verdict.allow)
    else this.#dispatch(verdict)
  }

  #respondToOptions(allow: string): void {
    this.#response.options(allow, this.#mayPersist())
    this.finish()
  }

  #dispatch(allowed: Allowed | null): void {
    this.#user = allowed === null ? null : allowed.user
    if (this.#relay.tracing.starts) this.#log.trace ??= TraceContext.start()
    if (allowed?.withholds) this.#request.withholdAuthorization()
    const failure = this.#tunnel.open(allowed, this.#request, this.#client.socket.caller)
    if (this.#tunnel.isLong) this.#time.unbind()
    this.#respondIfFailed(failure ?? this.#delivery.start())
  }

  dialled(): void {
    this.#moments.dial()
  }

  begin(source: ResponseSource): void {
    if (this.#isOver) {
      source.cancel()
      return
    }
    this.#response.follow(source)
    this.#delivery.send(source, this.#client.socket.provenance(this.#user), this.#lines())
  }

  /** What the request says to the upstream beside what its client said: its protocol, and its trace. */
  #lines(): Buffer {
    const { requestLines } = this.#tunnel
    const { trace } = this.#log
    return trace === null ? requestLines : Buffer.concat([requestLines, Buffer.from(trace.lines, 'latin1')])
  }

  /** Takes more of the request's body. @returns the position after the bytes that belong to it. */
  receive(chunk: Buffer): number {
    const { bodyBytes } = this.#relay.route.limits
    if (this.#isFlushing) return chunk.length // the response was complete before the request: drop the rest
    const position = this.#delivery.take(chunk)
    if (position === BROKEN) this.#giveUp(requestBodyBroken())
    else if (this.#request.bodyBytes > bodyBytes) this.#giveUp(bodyTooLarge(bodyBytes))
    else this.#respondIfFailed(this.#delivery.proceed(chunk, position))
    return position === BROKEN ? chunk.length : position
  }

  requestDrained(): void {
    this.#delivery.drained()
  }

  takeInterim(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    this.#response.takeInterim(head, bytes, start, end)
  }

  takeSwitch(head: ResponseHead, bytes: Buffer, start: number, end: number): string | null {
    const fault = this.#tunnel.faultInSwitch(head, bytes, this.#request.isDone)
    this.#moments.respond()
    if (fault === null) this.#response.takeSwitch(head, bytes, start, end, this.#tunnel.responseLines)
    return fault
  }

  /** The exchange is over, and the tunnel goes on. */
  switched(upstream: SwitchedUpstream): void {
    const upgrade = this.#tunnel.release()
    const finish = this.#log.tunnel()
    this.#release()
    upgrade?.join(this.#client.switchProtocols(), upstream, finish)
  }

  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    this.#moments.respond()
    this.#response.takeHead(head, bytes, start, end, this.#mayPersist())
    if (this.#response.isPaused) this.#time.restartWait()
    this.#time.allowForBody()
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    this.#response.takeBody(bytes, start, end)
    if (this.#response.isPaused) this.#time.restartWait()
    this.#time.allowForBody()
  }

  #mayPersist(): boolean {
    return this.#request.isDone && !this.#tunnel.mayUpgrade && this.#client.mayPersist
  }

  /** The client's socket has taken all that was written. */
  clientFlushed(): void {
    this.#response.flushed()
    if (this.#isOver) return
    this.#time.restartWait()
    if (this.#isFlushing && !this.#response.isFull) this.#conclude()
    else if (this.#isFlushing) this.#time.allowForFlush()
    else this.#time.allowForBody()
  }

  /** The response is whole; it is over once the client's socket has taken it. */
  finish(): void {
    this.#response.complete()
    this.#delivery.end()
    this.#response.follow(null)
    this.#isFlushing = this.#response.isFull
    if (this.#isFlushing) this.#time.allowForFlush()
    else this.#conclude()
  }

  #conclude(): void {
    this.#end()
    this.#client.responded(this.#response.persistent)
  }

  fail(failure: Failure, wasIdle: boolean): void {
    if (this.#isOver) return
    const final = this.#delivery.retry(failure, wasIdle)
    if (final !== null) this.#giveUp(final)
  }

  /** Responds with a problem while nothing was forwarded; otherwise cuts the connection. */
  #giveUp(failure: Failure): void {
    this.#delivery.cancel()
    if (this.#response.hasBegun) this.#cut(failure)
    else this.#respondWith(failure)
  }

  #cut(failure: Failure): void {
    this.#log.code = failure.code
    this.#relay.counters.fail(failure)
    this.#end()
    this.#client.socket.reset()
  }

  /** @param failure null: the request is on its way */
  #respondIfFailed(failure: Failure | null): void {
    if (failure !== null) this.#respondWith(failure)
  }

  #respondWith(failure: Failure): void {
    this.#refuse({ failure })
  }

  #refuse(refused: Refused): void {
    const isAboutUpgrade = refused.failure.code === 'upgrade_refused'
    this.#log.code = refused.failure.code
    this.#response.problem(refused, this.#mayPersist() && !isAboutUpgrade)
    this.finish()
  }

  #end(): void {
    this.#log.end()
    this.#release()
  }

  #release(): void {
    this.#isOver = true
    this.#judging.forget()
    this.#isFlushing = false
    this.#delivery.end()
    this.#response.end()
    this.#tunnel.close()
    const head = this.#request.release()
    if (head !== null) this.#relay.heads.give(head)
  }

  /** The client's connection is closed: nobody wants the response. */
  clientGone(): void {
    if (this.#isOver) return
    this.#delivery.cancel()
    if (!this.#isLongUnderWay) this.#log.code ??= CLIENT_LEFT
    this.#end()
  }

  /** The time to drain is over: the connection is reset next. */
  interrupt(): void {
    if (!this.#isOver) this.#log.code ??= 'draining'
  }

  /** Its client ends a long response by leaving. */
  get #isLongUnderWay(): boolean {
    return this.#tunnel.isLong && this.#response.hasBegun
  }

  /** The client has ended its side. It may still wait for the response or be gone; TCP does not tell. */
  clientEnded(): void {
    if (!this.#response.hasBegun) this.#time.allow(this.#relay.route.timeoutsMs.halfClosed)
    else if (this.#tunnel.isLong) this.#time.allowForBody()
  }

  /** The tunnel has less time now. */
  hurry(): void {
    if (this.#response.hasBegun && !this.#isOver) this.#time.allowForBody()
  }

  /** Ends the tunnel before its time. */
  cut(tunnel: Tunnel, failure: Failure): void {
    if (!this.#isOver && this.#tunnel.owns(tunnel)) this.#giveUp(failure)
  }

  /** The time for the current step is over. */
  expire(): void {
    if (this.#time.isClientGone) this.#client.socket.reset()
    else if (this.#judging.isPending) this.#respondWith(judgedTooLate())
    else if (this.#delivery.leaveQueue()) this.#respondWith(waitedTooLong())
    else this.#giveUp(this.#time.blame())
  }

  stalledMs(nowMs: number): number {
    return this.#delivery.stalledMs(nowMs)
  }

  giveUpSlow(): void {
    this.#giveUp(clientTooSlow())
  }
}

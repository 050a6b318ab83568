import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { HttpRoute } from '../config/config.ts'
import type { Upstream } from '../upstream/upstream.ts'
import type { Peer } from './connection-limits.ts'
import { type Deadlines, Timed } from './deadlines.ts'
import { type Outgoing, toSocket } from './outgoing.ts'
import type { ResponseTaker } from './response-taker.ts'
import { slowest } from './slow-clients.ts'
import { type ConnectionOwner, UpstreamConnection } from './upstream-connection.ts'
import { type Admission, WaitingRequests } from './waiting-requests.ts'

/** How often slow clients are looked for while requests wait. */
const SWEEP_MS = 100
/** Share of the upstream connections for requests whose body is not whole yet. */
const UPLOAD_SHARE = 1 / 2
/** Share of the upstream connections that one caller leaves to the others. */
const SHARE_LEFT = 1 / 8

/**
 * The connections to one upstream. The connection that was used last is used next. When all are in use, requests wait
 * in fair queues (`WaitingRequests`). While requests wait, connections that wait for slow clients are ended, beginning
 * with the address that has the most of them.
 */
export class UpstreamPool extends Timed implements ConnectionOwner, Admission {
  readonly endpoint: Endpoint
  /** For messages. */
  readonly name: string
  readonly timeoutsMs: HttpRoute['timeoutsMs']
  readonly limits: HttpRoute['limits']
  readonly deadlines: Deadlines
  readonly #upstream: Upstream
  readonly #maxUploads: number
  readonly #maxPerPeer: number
  readonly #maxUploadsPerPeer: number
  readonly #open = new Set<UpstreamConnection>()
  readonly #idle: UpstreamConnection[] = []
  readonly #waiting: WaitingRequests
  #uploads = 0
  #isClosed = false
  /** An idle connection is being closed for a new one: the free place is taken. */
  #isEvicting = false

  readonly outgoing: Outgoing

  constructor(route: HttpRoute, upstream: Upstream, deadlines: Deadlines, outgoing = toSocket()) {
    super()
    const { upstreamConnections, queue } = route.limits
    this.#waiting = new WaitingRequests(queue, this)
    this.endpoint = route.upstream
    this.name = formatEndpoint(route.upstream)
    this.timeoutsMs = route.timeoutsMs
    this.limits = route.limits
    this.deadlines = deadlines
    this.outgoing = outgoing
    this.#upstream = upstream
    this.#maxUploads = Math.max(1, Math.floor(upstreamConnections * UPLOAD_SHARE))
    this.#maxPerPeer = shareOf(upstreamConnections)
    this.#maxUploadsPerPeer = shareOf(this.#maxUploads)
  }

  /**
   * Lets `taker` begin, at once or as soon as there is a connection.
   * @returns false when the queue is full.
   */
  acquire(taker: ResponseTaker): boolean {
    if (taker.isTunnel) return this.#dialTunnel(taker)
    return (this.#mayBegin(taker) && this.#begin(taker)) || this.#enqueue(taker)
  }

  /** Takes a request out of the queue. @returns false when it was not in it. */
  forget(taker: ResponseTaker): boolean {
    return this.#waiting.delete(taker)
  }

  /** Closes the idle connections: the socket file was replaced, and they lead to the old socket. */
  closeIdle(): void {
    for (const connection of [...this.#idle]) connection.close()
  }

  /** Closes the idle connections, and the others when their request is over: their certificates were replaced. */
  retire(): void {
    for (const connection of this.#open) connection.retire()
    this.closeIdle()
  }

  /** Closes idle connections, now and from now on. */
  close(): void {
    this.#isClosed = true
    this.closeIdle()
  }

  get hasIdle(): boolean {
    return this.#idle.length > 0
  }

  /** A request has got this connection. */
  began(connection: UpstreamConnection, { peer, isRequestDone }: ResponseTaker): void {
    this.#count(connection, peer, !isRequestDone)
  }

  /** The body of its request was sent whole. */
  uploaded(connection: UpstreamConnection): void {
    if (!connection.isUpload) return
    connection.isUpload = false
    this.#uploads -= 1
    if (connection.peer !== null) connection.peer.uploads -= 1
    this.#serve()
  }

  /** Its request is over. */
  ended(connection: UpstreamConnection): void {
    this.#uncount(connection)
  }

  release(connection: UpstreamConnection): void {
    if (this.#isClosed && this.#waiting.size === 0) connection.close()
    else this.#idle.push(connection)
    this.#serve()
  }

  connected(): void {
    this.#upstream.reportConnected()
  }

  /** A response was received whole. */
  responded(): void {
    if (this.#upstream.isTroubled) this.#upstream.reportAnswered()
  }

  closed(connection: UpstreamConnection): void {
    this.#uncount(connection)
    this.#open.delete(connection)
    const index = this.#idle.lastIndexOf(connection)
    if (index >= 0) this.#idle.splice(index, 1)
    this.#serve()
  }

  failed(failure: Failure, isDown: boolean): void {
    if (isDown) this.outgoing.dialFailed()
    if (isDown) this.#upstream.reportDown(failure)
    else this.#upstream.reportTrouble(failure)
  }

  /** Ends connections that wait for slow clients, at most as many as there are waiting requests. */
  expire(): void {
    const victims = slowest([...this.#open], this.deadlines.nowMs).slice(0, this.#waiting.size)
    for (const connection of victims) {
      if (connection.peer !== null) connection.peer.evictedMs = this.deadlines.nowMs
      connection.giveUpSlow()
    }
    if (this.#waiting.size > 0) this.deadlines.set(this, SWEEP_MS)
  }

  #mayBegin({ peer, isRequestDone }: ResponseTaker): boolean {
    return this.hasShare(peer) && (isRequestDone || this.mayUpload(peer))
  }

  mayUpload(peer: Peer): boolean {
    return this.#uploads < this.#maxUploads && peer.uploads < this.#maxUploadsPerPeer
  }

  hasShare(peer: Peer): boolean {
    return peer.upstreamConnections < this.#maxPerPeer
  }

  /** @returns false when every connection is in use */
  #begin(taker: ResponseTaker): boolean {
    const idle = taker.needsFresh && !this.#isLastSurelyOpen ? undefined : this.#idle.pop()
    if (idle !== undefined) idle.use(taker)
    else if (this.#open.size < this.limits.upstreamConnections || this.#evict()) this.#dial(taker)
    else return false
    return true
  }

  /** With TLS a fresh connection costs a handshake, so one that was just used does for any request. */
  get #isLastSurelyOpen(): boolean {
    return this.outgoing.isTls && this.#idle.at(-1)?.isSurelyOpen === true
  }

  #dial(taker: ResponseTaker): void {
    taker.dialled()
    const connection = new UpstreamConnection(this, taker)
    this.#open.add(connection)
    this.#count(connection, taker.peer, !taker.isRequestDone)
  }

  /** Tunnels are bounded by `limits.tunnels`, which its taker has asked. */
  #dialTunnel(taker: ResponseTaker): true {
    taker.dialled()
    new UpstreamConnection(this, taker)
    return true
  }

  /** Makes room for a new connection by closing an idle one. */
  #evict(): boolean {
    this.#isEvicting = true
    this.#idle.shift()?.close()
    this.#isEvicting = false
    return this.#open.size < this.limits.upstreamConnections
  }

  #enqueue(taker: ResponseTaker): boolean {
    if (!this.#waiting.add(taker)) return false
    if (this.slot < 0) this.deadlines.set(this, SWEEP_MS)
    return true
  }

  /** Lets waiting requests begin while there are connections for them. */
  #serve(): void {
    while (this.#waiting.size > 0 && !this.#isEvicting) {
      const isFree = this.#idle.length > 0 || this.#open.size < this.limits.upstreamConnections
      const next = isFree ? this.#waiting.shift() : undefined
      if (next === undefined) return
      this.#begin(next)
    }
  }

  #count(connection: UpstreamConnection, peer: Peer, isUpload: boolean): void {
    if (connection.isTunnel || connection.peer !== null) return // counted when it was dialled
    connection.peer = peer
    connection.isUpload = isUpload
    peer.upstreamConnections += 1
    if (!isUpload) return
    this.#uploads += 1
    peer.uploads += 1
  }

  #uncount(connection: UpstreamConnection): void {
    if (connection.peer === null) return
    connection.peer.upstreamConnections -= 1
    if (connection.isUpload) {
      this.#uploads -= 1
      connection.peer.uploads -= 1
    }
    connection.peer = null
    connection.isUpload = false
  }
}

/** How many of `count` one caller may use at a time. */
function shareOf(count: number): number {
  return count - Math.floor(count * SHARE_LEFT)
}

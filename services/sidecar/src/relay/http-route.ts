import type { Socket } from 'node:net'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { statusOf } from '@uds-sidecar/shared/failure/failures'
import type { HttpRoute } from '../config/config.ts'
import type { RequestHeadRules } from '../http1/parse-request-head.ts'
import { DateLine } from '../http1/rewrite-response.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import { AllowList } from '../policy/allow-list.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { ClientConnection } from './client-connection.ts'
import { type ConnectionLimits, type Peer, ResponseBuffer } from './connection-limits.ts'
import type { Deadlines } from './deadlines.ts'
import type { HttpContext } from './http-context.ts'
import { type ConnectionHandler, reset } from './port.ts'
import { problemResponse } from './problem-response.ts'
import { RequestWriter, SpareHeads } from './request-sender.ts'
import { UpstreamPool } from './upstream-pool.ts'

/** While draining, an idle client gets this long, for a request of its may be on the wire. */
const GRACE_MS = 300
/** A client that is refused may go on sending for so long at most. */
const MAX_REFUSING_MS = 2_000

export interface HttpHandlerParts {
  readonly route: HttpRoute
  readonly upstream: Upstream
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly limits: ConnectionLimits
}

/** Relays the requests of a route's client connections. */
export class HttpHandler implements ConnectionHandler, HttpContext {
  readonly route: HttpRoute
  readonly allow: AllowList
  readonly pool: UpstreamPool
  readonly headRules: RequestHeadRules
  readonly heads = new SpareHeads()
  readonly writer = new RequestWriter()
  readonly date = new DateLine()
  readonly responseBuffer: ResponseBuffer
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  draining = false
  readonly #limits: ConnectionLimits
  readonly #connections = new Set<ClientConnection>()
  /** The time to drain is over. */
  #isOver = false
  readonly #drained = Promise.withResolvers<void>()

  constructor({ route, upstream, counters, deadlines, limits }: HttpHandlerParts) {
    this.route = route
    this.allow = new AllowList(route.allow)
    this.pool = new UpstreamPool(route, upstream, deadlines)
    upstream.onReplaced = () => this.pool.closeIdle()
    this.headRules = { maxFields: route.limits.fields, passFields: new Set(route.passFields) }
    this.responseBuffer = new ResponseBuffer(route.limits.responseBufferBytes)
    this.counters = counters
    this.deadlines = deadlines
    this.#limits = limits
  }

  accept(client: Socket): void {
    if (this.#isOver) reset(client)
    else this.#admitOrRefuse(client)
  }

  async drain(drainMs: number): Promise<void> {
    this.draining = true
    setTimeout(() => this.#cut(), drainMs).unref() // also for those that are accepted until the port is closed
    for (const connection of this.#connections) connection.wrapUp(GRACE_MS)
    if (this.#connections.size > 0) await this.#drained.promise
    this.pool.close()
  }

  #admitOrRefuse(client: Socket): void {
    const peer = this.#limits.take(client.remoteAddress ?? '')
    if (peer === null) this.#refuse(client)
    else this.#admit(client, peer)
  }

  #admit(client: Socket, peer: Peer): void {
    this.counters.connectionsTotal += 1
    this.counters.connectionsOpen += 1
    const connection = new ClientConnection(client, peer, this, () => {
      this.#limits.release(peer)
      this.#connections.delete(connection)
      this.counters.connectionsOpen -= 1
      if (this.draining && this.#connections.size === 0) this.#drained.resolve()
    })
    this.#connections.add(connection)
    if (this.draining) connection.wrapUp(GRACE_MS)
  }

  #refuse(client: Socket): void {
    const failure = new Failure('overloaded', {
      message: 'too many connections are open',
      hint: 'close some, or raise limits.connections or limits.connectionsPerAddress of the route',
    })
    this.counters.fail(failure.code)
    this.counters.answered('', statusOf(failure.code), 0)
    client.on('error', () => client.destroy())
    if (!this.#limits.mayReadRefusal()) {
      reset(client)
      return
    }
    const last = setTimeout(() => client.destroy(), MAX_REFUSING_MS).unref()
    client
      .once('close', () => {
        clearTimeout(last)
        this.#limits.refusalRead()
      })
      .end(problemResponse(failure, { connection: 'close', headOnly: false }))
    client.resume().setTimeout(GRACE_MS, () => client.destroy())
  }

  #cut(): void {
    this.#isOver = true
    for (const connection of this.#connections) connection.socket.reset()
  }
}

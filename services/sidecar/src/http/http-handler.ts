import type { Socket } from 'node:net'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { HttpRoute } from '../config/config.ts'
import type { RouteCounters } from '../metrics/route-counters.ts'
import { ConnectionLimits } from '../port/connection-limits.ts'
import type { ConnectionHandler } from '../port/port.ts'
import { reset } from '../port/reset.ts'
import type { Deadlines } from '../time/deadlines.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { AllowList } from './allow/allow-list.ts'
import { ClientConnection } from './client-connection.ts'
import type { HttpContext } from './http-context.ts'
import { problemAnswer, statusOf } from './problem-answer.ts'
import { UpstreamPool } from './upstream-pool.ts'

/** While draining, an idle client gets this long, for a request of its may be on the wire. */
const GRACE_MS = 300

export interface HttpHandlerParts {
  readonly route: HttpRoute
  readonly upstream: Upstream
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
}

/** Relays the requests of a route's client connections. */
export class HttpHandler implements ConnectionHandler, HttpContext {
  readonly route: HttpRoute
  readonly allow: AllowList
  readonly pool: UpstreamPool
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  draining = false
  readonly #limits: ConnectionLimits
  readonly #connections = new Set<ClientConnection>()
  /** The time to drain is over. */
  #isOver = false
  readonly #drained = Promise.withResolvers<void>()

  constructor({ route, upstream, counters, deadlines }: HttpHandlerParts) {
    this.route = route
    this.allow = new AllowList(route.allow)
    this.pool = new UpstreamPool(route, upstream, deadlines)
    upstream.onReplaced = () => this.pool.closeIdle()
    this.counters = counters
    this.deadlines = deadlines
    this.#limits = new ConnectionLimits(route.limits.connections, route.limits.connectionsPerAddress)
  }

  accept(client: Socket): void {
    const address = client.remoteAddress ?? ''
    if (this.#isOver) reset(client)
    else if (this.#limits.take(address)) this.#admit(client, address)
    else this.#refuse(client)
  }

  async drain(drainMs: number): Promise<void> {
    this.draining = true
    setTimeout(() => this.#cut(), drainMs).unref() // also for those that are accepted until the port is closed
    for (const connection of this.#connections) connection.wrapUp(GRACE_MS)
    if (this.#connections.size > 0) await this.#drained.promise
    this.pool.close()
  }

  #admit(client: Socket, address: string): void {
    this.counters.connectionsTotal += 1
    this.counters.connectionsOpen += 1
    const connection = new ClientConnection(client, this, () => {
      this.#limits.release(address)
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
    this.counters.answered('', statusOf(failure), 0)
    client.on('error', () => client.destroy()).end(problemAnswer(failure, { close: true, headOnly: false }))
    client.resume().setTimeout(GRACE_MS, () => client.destroy())
  }

  #cut(): void {
    this.#isOver = true
    for (const connection of this.#connections) connection.socket.reset()
  }
}

import type { Socket } from 'node:net'
import { type Caller, callerOf } from './caller.ts'
import { ConnectConnection } from './connect-connection.ts'
import type { ConnectRelay } from './connect-relay.ts'
import type { ConnectionLimits, Peer } from './connection-limits.ts'
import { type ConnectionHandler, destroyIt, reset } from './port.ts'
import { refuseOverloaded } from './refuse-connection.ts'

/** While draining, a connection without a request stays open for so long, because one may be on its way. */
const GRACE_MS = 300

/** Takes the client connections of a route of kind connect, each for one tunnel, and lets them end when the route does. */
export class ConnectHandler implements ConnectionHandler {
  readonly #relay: ConnectRelay
  readonly #limits: ConnectionLimits
  readonly #connections = new Set<ConnectConnection>()
  readonly #drained = Promise.withResolvers<void>()
  /** Handlers that this one has succeeded, and that have connections left. */
  readonly #formers = new Set<ConnectHandler>()
  /** The time to drain is over. */
  #isOver = false

  constructor(relay: ConnectRelay, limits: ConnectionLimits) {
    this.#relay = relay
    this.#limits = limits
  }

  accept(client: Socket): void {
    client.on('error', destroyIt)
    if (this.#isOver) reset(client)
    else this.#admitOrRefuse(client)
  }

  #admitOrRefuse(client: Socket): void {
    const caller = callerOf(client, this.#relay.route.listen)
    const peer = this.#limits.take(caller.key)
    if (peer === null) refuseOverloaded(client, caller, this.#relay, this.#limits)
    else this.#admit(client, caller, peer)
  }

  /** A reload gives its port to `next`, whose rules decide about its connections from now on; null: none has them. */
  succeededBy(next: ConnectionHandler | null): void {
    this.#relay.succeededBy(next instanceof ConnectHandler ? next.#relay : null)
    this.judgeAnew()
    if (!(next instanceof ConnectHandler)) return
    next.#formers.add(this)
    this.#drained.promise.then(() => next.#formers.delete(this))
  }

  judgeAnew(): void {
    for (const former of this.#formers) former.judgeAnew()
    for (const connection of this.#connections) connection.judgeAnew()
  }

  async drain(drainMs: number): Promise<void> {
    this.#relay.isDraining = true
    setTimeout(() => this.#cut(), drainMs).unref() // also for connections that are accepted until the port is closed
    for (const connection of this.#connections) connection.wrapUp(GRACE_MS)
    if (this.#connections.size === 0) this.#drained.resolve()
    await this.#drained.promise
  }

  #admit(client: Socket, caller: Caller, peer: Peer): void {
    this.#relay.counters.connected(caller.uid)
    const connection = new ConnectConnection(client, caller, this.#relay, () => {
      this.#limits.release(peer)
      this.#connections.delete(connection)
      this.#relay.counters.connectionsOpen -= 1
      if (this.#relay.isDraining && this.#connections.size === 0) this.#drained.resolve()
    })
    this.#connections.add(connection)
    if (this.#relay.isDraining) connection.wrapUp(GRACE_MS)
  }

  #cut(): void {
    this.#isOver = true
    for (const connection of this.#connections) connection.cut()
  }
}

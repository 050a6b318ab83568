import type { Socket } from 'node:net'
import { type Caller, callerOf } from './caller.ts'
import { ClientConnection } from './client-connection.ts'
import type { ConnectionLimits, Peer } from './connection-limits.ts'
import type { HttpRelay } from './http-relay.ts'
import { type ConnectionHandler, reset } from './port.ts'
import { refuseOverloaded } from './refuse-connection.ts'

/** While draining, an idle connection stays open for so long, because a request may be on its way. */
const GRACE_MS = 300

/** Takes the client connections of an HTTP route, within its limits, and lets them end when the route does. */
export class HttpHandler implements ConnectionHandler {
  readonly #relay: HttpRelay
  readonly #limits: ConnectionLimits
  readonly #connections = new Set<ClientConnection>()
  /** Handlers that this one has succeeded, and that have connections left. */
  readonly #formers = new Set<HttpHandler>()
  /** The time to drain is over. */
  #isOver = false
  readonly #drained = Promise.withResolvers<void>()

  constructor(relay: HttpRelay, limits: ConnectionLimits) {
    this.#relay = relay
    this.#limits = limits
  }

  accept(client: Socket): void {
    if (this.#isOver) reset(client)
    else this.#admitOrRefuse(client)
  }

  async drain(drainMs: number): Promise<void> {
    this.#relay.isDraining = true
    setTimeout(() => this.#cut(), drainMs).unref() // also for connections that are accepted until the port is closed
    for (const connection of this.#connections) connection.wrapUp(GRACE_MS)
    this.#relay.tunnels.drain()
    if (this.#connections.size === 0) this.#drained.resolve()
    await this.#drained.promise
    this.#relay.pool.close()
  }

  /** A reload gives its port to `next`, which judges the requests of its connections from now on; null: none does. */
  succeededBy(next: ConnectionHandler | null): void {
    this.#relay.succeededBy(next instanceof HttpHandler ? next.#relay : null)
    if (next instanceof HttpHandler) next.#follow(this)
    this.judgeAnew()
  }

  /** Whether a trusted proxy connects from this address, on whose connections requests of many clients come. */
  isProxy(address: string): boolean {
    return this.#relay.forwarded?.isProxy({ address, uid: undefined }) ?? false
  }

  #follow(former: HttpHandler): void {
    this.#formers.add(former)
    former.#drained.promise.then(() => this.#formers.delete(former))
  }

  /** A tunnel is a request that stays: its caller may have lost its identity, or the rules may have changed. */
  judgeAnew(): void {
    for (const former of this.#formers) former.judgeAnew()
    this.#relay.tunnels.judgeAnew()
  }

  #admitOrRefuse(client: Socket): void {
    const caller = callerOf(client, this.#relay.route.listen)
    const peer = this.#limits.take(caller.key, this.#relay.forwarded?.isProxy(caller))
    if (peer === null) refuseOverloaded(client, caller, this.#relay, this.#limits)
    else this.#admit(client, caller, peer)
  }

  #admit(client: Socket, caller: Caller, peer: Peer): void {
    this.#relay.counters.connected(caller.uid)
    const connection = new ClientConnection(
      client,
      { peer, caller, limits: this.#limits },
      this.#relay,
      () => {
        this.#limits.release(peer)
        this.#connections.delete(connection)
        this.#relay.counters.connectionsOpen -= 1
        if (this.#relay.isDraining && this.#connections.size === 0) this.#drained.resolve()
      },
    )
    this.#connections.add(connection)
    if (this.#relay.isDraining) connection.wrapUp(GRACE_MS)
  }

  #cut(): void {
    this.#isOver = true
    this.#relay.tunnels.cut()
    for (const connection of this.#connections) connection.cut()
  }
}

import type { Socket } from 'node:net'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import type { StreamRoute } from '../config/config.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Caller, callerOf } from './caller.ts'
import type { ConnectionLimits, Peer } from './connection-limits.ts'
import type { Deadlines } from './deadlines.ts'
import type { Outgoing } from './outgoing.ts'
import { type ConnectionHandler, reset } from './port.ts'
import { Relay, UpstreamReading } from './stream-relay.ts'

/** While draining, a relay without a byte for so long counts as finished: a stream does not say where it ends. */
const QUIET_MS = 1_000

export interface StreamHandlerParts {
  readonly route: StreamRoute
  readonly upstream: Upstream
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly limits: ConnectionLimits
  /** Null when the upstream is a socket. */
  readonly outgoing: Outgoing | null
}

/** Joins each client connection of a stream route with an upstream connection of its own. */
export class StreamHandler implements ConnectionHandler {
  readonly #parts: StreamHandlerParts
  readonly #limits: ConnectionLimits
  readonly #clients = new Set<Socket>()
  readonly #relays = new Set<Relay>()
  readonly #drained = Promise.withResolvers<void>()
  #draining = false

  constructor(parts: StreamHandlerParts) {
    this.#parts = parts
    this.#limits = parts.limits
  }

  accept(client: Socket): void {
    client.on('error', () => client.destroy())
    const { key, uid } = callerOf(client, this.#parts.route.listen)
    const peer = this.#draining ? null : this.#limits.take(key)
    if (peer === null) this.#refuse(client, this.#draining ? 'draining' : 'overloaded')
    else this.#admit(client, uid, peer)
  }

  #admit(client: Socket, uid: Caller['uid'], peer: Peer): void {
    this.#clients.add(client)
    this.#parts.counters.connected(uid)
    client.once('close', () => this.#closed(client, peer))
    this.#connect(client)
  }

  async drain(drainMs: number): Promise<void> {
    this.#draining = true
    setTimeout(() => this.#cut(), drainMs).unref()
    for (const relay of this.#relays) relay.wrapUp(QUIET_MS)
    if (this.#clients.size > 0) await this.#drained.promise
  }

  async #connect(client: Socket): Promise<void> {
    const { upstream, route, outgoing } = this.#parts
    const reading = new UpstreamReading(client)
    try {
      const options = { ...outgoing?.dialOptions(), timeoutMs: route.timeoutsMs.connect, onread: reading }
      const socket = await dial(upstream.endpoint, options)
      upstream.reportConnected()
      if (client.destroyed) socket.on('error', () => socket.destroy()).destroy()
      else this.#join(client, socket, reading)
    } catch (error) {
      const failure = error instanceof Failure ? error : unexpected(error)
      if (failure === error) upstream.reportDown(failure)
      else upstream.reportTrouble(failure)
      this.#refuse(client, failure.code)
    }
  }

  #join(client: Socket, socket: Socket, reading: UpstreamReading): void {
    const { counters, deadlines, route } = this.#parts
    const relay = new Relay({
      client,
      upstream: socket,
      reading,
      deadlines,
      idleMs: route.timeoutsMs.idle,
      onClosed: (failure) => {
        this.#relays.delete(relay)
        counters.bytesSent += socket.bytesWritten
        counters.bytesReceived += socket.bytesRead
        if (failure !== null) counters.fail(failure)
      },
    })
    this.#relays.add(relay)
    if (this.#draining) relay.wrapUp(QUIET_MS)
  }

  #refuse(client: Socket, code: FailureCode): void {
    this.#parts.counters.fail(code)
    reset(client)
  }

  #cut(): void {
    for (const relay of this.#relays) relay.fail('draining')
    for (const client of this.#clients) reset(client)
  }

  #closed(client: Socket, peer: Peer): void {
    this.#limits.release(peer)
    this.#clients.delete(client)
    this.#parts.counters.connectionsOpen -= 1
    if (this.#draining && this.#clients.size === 0) this.#drained.resolve()
  }
}

function unexpected(cause: unknown): Failure {
  return new Failure('internal_error', {
    message: `a connection failed: ${cause}`,
    hint: 'see the log',
    cause,
  })
}

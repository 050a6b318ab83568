import type { Socket } from 'node:net'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import type { StreamRoute } from '../config/config.ts'
import { Guard } from '../identity/guard.ts'
import type { Identities } from '../identity/identities.ts'
import { CLIENT_LEFT, type RouteLog } from '../observe/access-log.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { type Caller, callerOf } from './caller.ts'
import type { ConnectionLimits, Peer } from './connection-limits.ts'
import { ConnectionLog } from './connection-log.ts'
import type { Deadlines } from './deadlines.ts'
import { OpenCalls } from './open-calls.ts'
import type { Outgoing } from './outgoing.ts'
import { type ConnectionHandler, reset } from './port.ts'
import { DirectReading, Relay } from './stream-relay.ts'
import { callerFor, isSuccession } from './succession.ts'

/**
 * While draining, a relay without a byte for so long counts as finished: a stream does not say where it ends. Of HTTP/2 it is
 * known: an open call is waited for.
 */
const QUIET_MS = 1_000

export interface StreamHandlerParts {
  readonly route: StreamRoute
  readonly upstream: Upstream
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly limits: ConnectionLimits
  readonly identities: Identities
  readonly accessLog: RouteLog
  /** Null when the upstream is a socket. */
  readonly outgoing: Outgoing | null
}

/** Joins each client connection of a stream route with an upstream connection of its own. */
export class StreamHandler implements ConnectionHandler {
  readonly #parts: StreamHandlerParts
  readonly #limits: ConnectionLimits
  readonly #guard: Guard
  readonly #clients = new Map<Socket, ConnectionLog>()
  readonly #relays = new Map<Relay, Caller>()
  /** After a reload: decides about the connections that are left; null: none may go on that had to prove who it is. */
  #next: StreamHandler | null | undefined
  /** Handlers that this one has succeeded, and that have connections left. */
  readonly #formers = new Set<StreamHandler>()
  readonly #drained = Promise.withResolvers<void>()
  #draining = false

  constructor(parts: StreamHandlerParts) {
    this.#parts = parts
    this.#limits = parts.limits
    this.#guard = new Guard(parts.route.name, parts.route.clients, parts.identities)
  }

  accept(client: Socket): void {
    client.on('error', () => client.destroy())
    const caller = callerOf(client, this.#parts.route.listen)
    const log = new ConnectionLog(this.#parts.accessLog, caller, 'connection')
    const peer = this.#draining ? null : this.#limits.take(caller.key)
    if (peer === null) this.#refuse(client, log, this.#draining ? 'draining' : 'overloaded')
    else this.#admit(client, log, peer)
  }

  #admit(client: Socket, log: ConnectionLog, peer: Peer): void {
    const { caller } = log
    log.user = this.#guard.nameOf(caller)
    this.#clients.set(client, log)
    this.#parts.counters.connected(caller.uid)
    client.once('close', () => this.#closed(client, peer))
    if (this.#permits(caller)) this.#connect(client, log)
    else this.#refuse(client, log, 'not_permitted')
  }

  /** A reload gives its port to `next`, whose rules decide about its connections from now on; null: none has them. */
  succeededBy(next: ConnectionHandler | null): void {
    const isNext = next instanceof StreamHandler && isSuccession(this.#parts.route, next.#parts.route)
    this.#next = isNext ? next : null
    if (this.#next !== null) this.#next.#follow(this)
    this.judgeAnew()
  }

  #follow(former: StreamHandler): void {
    this.#formers.add(former)
    former.#drained.promise.then(() => this.#formers.delete(former))
  }

  judgeAnew(): void {
    for (const former of this.#formers) former.judgeAnew()
    const code = this.#next === null ? 'draining' : 'not_permitted'
    for (const [relay, caller] of this.#relays) if (!this.#permits(caller)) relay.fail(code)
    for (const [client, log] of this.#clients) {
      if (!client.destroyed && !this.#permits(log.caller)) this.#refuse(client, log, code)
    }
  }

  #permits(caller: Caller): boolean {
    const { route } = this.#parts
    if (this.#next === null) return route.for === undefined
    if (this.#next !== undefined)
      return this.#next.#permits(callerFor(route, this.#next.#parts.route, caller))
    return route.for === undefined || this.#guard.permits(route.for, caller)
  }

  async drain(drainMs: number): Promise<void> {
    this.#draining = true
    setTimeout(() => this.#cut(), drainMs).unref()
    for (const relay of this.#relays.keys()) relay.wrapUp(QUIET_MS)
    if (this.#clients.size === 0) this.#drained.resolve()
    await this.#drained.promise
  }

  async #connect(client: Socket, log: ConnectionLog): Promise<void> {
    const { upstream, route, outgoing } = this.#parts
    const reading = new DirectReading(client, undefined, new OpenCalls())
    log.dialled()
    try {
      const options = { ...outgoing?.dialOptions(), timeoutMs: route.timeoutsMs.connect, onread: reading }
      const socket = await dial(upstream.endpoint, options)
      upstream.reportConnected()
      log.connected()
      if (client.destroyed) socket.on('error', () => socket.destroy()).destroy()
      else this.#join(client, log, socket, reading)
    } catch (error) {
      const failure = error instanceof Failure ? error : unexpected(error)
      outgoing?.dialFailed()
      if (failure === error) upstream.reportDown(failure)
      else upstream.reportTrouble(failure)
      this.#refuse(client, log, failure)
    }
  }

  #join(client: Socket, log: ConnectionLog, socket: Socket, reading: DirectReading): void {
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
        log.bytesFromClient = socket.bytesWritten
        log.bytesToClient = socket.bytesRead
        log.end(failure)
      },
    })
    this.#relays.set(relay, log.caller)
    if (client.readableEnded) socket.end() // while the upstream was dialled
    if (this.#draining) relay.wrapUp(QUIET_MS)
  }

  #refuse(client: Socket, log: ConnectionLog, failure: Failure | FailureCode): void {
    this.#parts.counters.fail(failure)
    log.end(typeof failure === 'string' ? failure : failure.code)
    reset(client)
  }

  #cut(): void {
    for (const relay of this.#relays.keys()) relay.fail('draining')
    for (const [client, log] of this.#clients) {
      if (!log.isConnected) log.end('draining')
      reset(client)
    }
  }

  #closed(client: Socket, peer: Peer): void {
    const log = this.#clients.get(client)
    if (log?.isConnected === false) log.end(CLIENT_LEFT) // before its upstream was there
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

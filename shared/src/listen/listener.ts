import { EventEmitter } from 'node:events'
import type { Server } from 'node:net'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { BoundPath, Rights } from '../bind/bound-path.ts'
import type { Identity } from '../bind/identity.ts'
import { inUse } from '../bind/incumbent.ts'
import { Watchdog } from '../bind/watchdog.ts'
import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { HINTS } from '../failure/explain.ts'
import { Failure } from '../failure/failure.ts'
import { Acceptors } from './acceptors.ts'
import type { Connections } from './connections.ts'
import { checkOptions } from './listen-options.ts'

/** Why the socket cannot be published again. */
function occupied(path: string): Failure {
  return new Failure('path_occupied', {
    message: `something that is not a socket was put at ${path}`,
    hint: 'move it away: the socket is then published again',
  })
}

function withoutFile(endpoint: Endpoint): Failure {
  return new Failure('bad_option', {
    message: `the rights of ${formatEndpoint(endpoint)} cannot be changed: this listener has no socket file of its own`,
    hint: 'only a listener that has bound unix:/path itself has one',
  })
}

function unwatchable(path: string, cause: unknown): Failure {
  return new Failure('io_error', { message: `cannot read ${path}`, hint: 'see errno', cause })
}

function unaccepted(endpoint: Endpoint, cause: unknown): Failure {
  return new Failure('overloaded', {
    message: `cannot accept connections on ${formatEndpoint(endpoint)}: no descriptor is left`,
    hint: HINTS.moreDescriptors,
    cause,
  })
}

/** After a takeover the old socket accepts connections for this time. */
const GRACE_MS = 300

/** `acceptFailed` is emitted at most once in this time. */
const QUIET_MS = 10_000

export type ListenerEvents = {
  /** Another server published its socket at our path. This listener drains and closes by itself. */
  replaced: []
  /** Our socket file was deleted, and a new socket is published. */
  republished: [identity: Identity]
  /** Our socket file is gone and could not be published again. Retried every second, emitted once. */
  lost: [failure: Failure]
  /** A connection could not be accepted, and may have been closed. Emitted at most once in 10 s. */
  acceptFailed: [failure: Failure]
  /** The listener is closing: end what is in progress within `drainMs`. */
  draining: []
  /** No connection is accepted any more; those that are open have until the end of `drainMs`. */
  stopped: []
}

/** How a listener ended. */
export interface Ending {
  readonly reason: 'closed' | 'replaced'
  /** Connections that were cut because they had not ended within `drainMs`. */
  readonly cut: number
  /** Why the socket file could not be removed. It is stale then; the next start replaces it. */
  readonly failure?: unknown
}

export interface ListenerParts {
  readonly server: Server
  /** Of `server`, tracked since before it accepted the first connection. */
  readonly connections: Connections
  readonly endpoint: Endpoint
  readonly bound?: BoundPath | undefined
  /** Somebody else, such as systemd, holds the listening socket too: its queue outlives this process. */
  readonly isPassed?: boolean
  readonly unlinkOnClose: boolean
  readonly watch: boolean
  readonly drainMs: number
}

/** A server that listens on an endpoint until it is closed or replaced. `listen` makes it. */
export class Listener extends EventEmitter<ListenerEvents> implements AsyncDisposable {
  /** With the port that the kernel chose if 0 was requested. */
  readonly endpoint: Endpoint
  /** Resolves when the last connection has ended. Never rejects. */
  readonly closed: Promise<Ending>
  readonly #parts: ListenerParts
  readonly #watchdog: Watchdog | undefined
  readonly #acceptors: Acceptors
  readonly #ended = Promise.withResolvers<Ending>()
  #closing = false
  /** What changes the socket file, one after the other: otherwise the watchdog could take our own new socket for another's. */
  #turns: Promise<unknown> = Promise.resolve()
  /** When `acceptFailed` was emitted last. */
  #toldMs = Number.NEGATIVE_INFINITY
  #isLost = false

  constructor(parts: ListenerParts) {
    super()
    this.endpoint = parts.endpoint
    this.closed = this.#ended.promise
    this.#parts = parts
    this.#acceptors = new Acceptors(parts.server)
    parts.server.once('close', this.#serverClosed)
    parts.server.on('error', this.#acceptFailed) // without a handler an error would end the process
    const { bound } = parts
    if (bound !== undefined && parts.watch)
      this.#watchdog = new Watchdog(bound.path, () => this.#inTurn(() => this.#check(bound)))
  }

  /**
   * Handles code that closes the server instead of the listener. As an event handler it also keeps a reference from the
   * server to this object: otherwise garbage collection could release the path lock of a listener that nobody keeps.
   */
  readonly #serverClosed = (): void => {
    this.#end('closed')
  }

  /** There was no descriptor for a connection (accept(2)). Node tries again while connections wait. */
  readonly #acceptFailed = (cause: Error): void => {
    const nowMs = performance.now()
    if (nowMs - this.#toldMs < QUIET_MS) return
    this.#toldMs = nowMs
    this.emit('acceptFailed', unaccepted(this.endpoint, cause))
  }

  /** Identity of the socket file; undefined for endpoints without a file. */
  get identity(): Identity | undefined {
    return this.#parts.bound?.identity
  }

  /**
   * Removes the socket file, accepts the connections that already wait, and drains for at most `drainMs`. Later calls
   * return the same ending.
   */
  close(): Promise<Ending> {
    this.#end('closed')
    return this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /**
   * Gives the socket file other rights, by a takeover from itself: a new socket with them replaces the file, and
   * connections to the old one are still accepted. No connection fails.
   * @throws Failure `bad_option` without a socket file, `in_use` when the file is not ours any more, and those of `listen`;
   * the old socket then stays as it is
   */
  async rebind(rights: Rights): Promise<void> {
    const { bound } = this.#parts
    if (bound === undefined) throw withoutFile(this.endpoint)
    checkOptions(this.endpoint, rights)
    await this.#inTurn(async () => {
      const acceptor = this.#acceptors.create()
      const outcome = this.#closing ? 'busy' : await bound.replace(acceptor, rights)
      if (outcome !== 'published') throw inUse(bound.path)
      this.#acceptors.add(acceptor, GRACE_MS)
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turns.then(work)
    this.#turns = result.catch(() => undefined)
    return result
  }

  async #end(reason: Ending['reason']): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#parts.connections.startDraining()
    this.emit('draining')
    await this.#watchdog?.[Symbol.asyncDispose]()
    const failure = await this.#inTurn(() => this.#giveUpPath(reason))
    await this.#acceptTheRest(reason)
    const stopped = this.#acceptors.stop()
    this.emit('stopped')
    if (this.#parts.isPassed) await this.#graceForRequests() // not while it accepts: there is always a last one
    const cut = await this.#parts.connections.drain(this.#parts.drainMs)
    await stopped
    this.#ended.resolve({ reason, cut, ...failure })
  }

  /** The first step of closing: a later client finds no socket, instead of a connection that is dropped. */
  async #giveUpPath(reason: Ending['reason']): Promise<{ failure: unknown } | undefined> {
    const { bound, unlinkOnClose } = this.#parts
    try {
      await (reason === 'closed' && unlinkOnClose ? bound?.withdraw() : bound?.release())
      return undefined
    } catch (failure) {
      return { failure }
    }
  }

  async #acceptTheRest(reason: Ending['reason']): Promise<void> {
    if (reason === 'replaced') return pause(GRACE_MS)
    await turn() // Node accepts the kernel's whole queue in one turn of the event loop
    await turn()
    if (!this.#parts.isPassed) await this.#graceForRequests()
  }

  /** The request of a connection that was just accepted may be on its way. */
  async #graceForRequests(): Promise<void> {
    await this.#parts.connections.empty(Math.min(GRACE_MS, this.#parts.drainMs))
  }

  async #check(bound: BoundPath): Promise<void> {
    try {
      const sight = await bound.look()
      if (this.#closing) return
      if (sight === 'ours') this.#isLost = false
      if (sight === 'replaced') this.#replaced()
      else if (sight === 'occupied') this.#lost(occupied(bound.path))
      else if (sight === 'missing') await this.#republish(bound)
    } catch (error) {
      this.#lost(error instanceof Failure ? error : unwatchable(bound.path, error))
    }
  }

  #replaced(): void {
    this.emit('replaced')
    this.#end('replaced')
  }

  #lost(failure: Failure): void {
    if (!this.#isLost) this.emit('lost', failure)
    this.#isLost = true
  }

  async #republish(bound: BoundPath): Promise<void> {
    const acceptor = this.#acceptors.create()
    const outcome = await bound.republish(acceptor)
    if (outcome === 'superseded' && !this.#closing) this.#replaced()
    if (outcome !== 'published') return
    this.#acceptors.add(acceptor, 0)
    this.#isLost = false
    this.emit('republished', bound.identity)
  }
}

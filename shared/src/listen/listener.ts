import { EventEmitter } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import { Server } from 'node:net'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type { BoundPath } from '../bind/bound-path.ts'
import type { Identity } from '../bind/identity.ts'
import { Watchdog } from '../bind/watchdog.ts'
import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { HINTS } from '../failure/explain.ts'
import { Failure } from '../failure/failure.ts'
import type { Connections } from './connections.ts'
import { isHttp } from './http-answers.ts'

/** A server has one listening socket; this one accepts for `server`, whose `connection` event may be emitted. */
export function acceptorFor(server: Server & { allowHalfOpen?: boolean; pauseOnConnect?: boolean }): Server {
  const { allowHalfOpen = false, pauseOnConnect = false } = server
  const acceptor = new Server({ allowHalfOpen, pauseOnConnect })
  acceptor.maxConnections = server.maxConnections
  acceptor.on('error', (error) => server.emit('error', error))
  return acceptor.on('connection', (socket) => server.emit('connection', socket))
}

/**
 * Closes the listening socket only. An HTTP server's own `close` also destroys the connections that it holds for
 * idle, among them those whose client has not read the whole answer yet.
 * @returns resolves once the server's last connection has ended
 */
export function stopAccepting(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.once('close', resolve)
  if (isHttp(server)) closeKeepingConnections(server)
  else server.close()
  return promise
}

function closeKeepingConnections(server: HttpServer): void {
  server.closeIdleConnections = () => undefined
  try {
    server.close()
  } finally {
    Reflect.deleteProperty(server, 'closeIdleConnections') // the class's own again
  }
}

/** Why a listener is lost. */
export function occupied(path: string): Failure {
  return new Failure('path_occupied', {
    message: `something that is not a socket was put at ${path}`,
    hint: 'move it away: the socket is then published again',
  })
}

export function unwatchable(path: string, cause: unknown): Failure {
  return new Failure('io_error', { message: `cannot look at ${path}`, hint: 'see errno', cause })
}

export function unaccepted(endpoint: Endpoint, cause: unknown): Failure {
  return new Failure('overloaded', {
    message: `cannot accept connections on ${formatEndpoint(endpoint)}: no descriptor is left`,
    hint: HINTS.moreDescriptors,
    cause,
  })
}

/** After a takeover, connections that found the old socket still arrive for this long. */
const GRACE_MS = 300

/** How long it is not told again that connections cannot be accepted. */
const QUIET_MS = 10_000

export type ListenerEvents = {
  /** Another server published its socket at our path; this one drains and closes by itself. */
  replaced: []
  /** Our socket was deleted and a new one published. */
  republished: [identity: Identity]
  /** Our socket is gone and could not be published again; tried once a second, told once. */
  lost: [failure: Failure]
  /** A connection could not be accepted, and was perhaps closed; told once in ten seconds. */
  acceptFailed: [failure: Failure]
  /** The end has begun: finish what is under way. */
  draining: []
}

/** How a listener ended. */
export interface Ending {
  readonly reason: 'closed' | 'replaced'
  /** Connections that had to be cut when the drain's time was up. */
  readonly cut: number
  /** Why the socket file could not be removed, if so; it is then stale, and the next start recovers. */
  readonly failure?: unknown
}

export interface ListenerParts {
  readonly server: Server
  /** Of the server, watched since before it accepted the first. */
  readonly connections: Connections
  readonly endpoint: Endpoint
  readonly bound?: BoundPath | undefined
  readonly unlinkOnClose: boolean
  readonly watch: boolean
  readonly drainMs: number
}

/** A server that listens on an endpoint, until it is closed or replaced. */
export class Listener extends EventEmitter<ListenerEvents> implements AsyncDisposable {
  /** With the real port where 0 was asked for. */
  readonly endpoint: Endpoint
  /** Resolves when the last connection has ended; never rejects. */
  readonly closed: Promise<Ending>
  readonly #parts: ListenerParts
  readonly #watchdog: Watchdog | undefined
  /** The server itself first, then the one that accepts on the socket that was published last, if that is another. */
  #acceptors: Server[]
  readonly #ended = Promise.withResolvers<Ending>()
  #closing = false
  /** When it was last told that a connection could not be accepted. */
  #toldMs = Number.NEGATIVE_INFINITY
  #isLost = false

  constructor(parts: ListenerParts) {
    super()
    this.endpoint = parts.endpoint
    this.closed = this.#ended.promise
    this.#parts = parts
    this.#acceptors = [parts.server]
    parts.server.once('close', this.#serverClosed)
    parts.server.on('error', this.#acceptFailed) // without a listener it would end the process
    const { bound } = parts
    if (bound !== undefined && parts.watch)
      this.#watchdog = new Watchdog(bound.path, () => this.#check(bound))
  }

  /**
   * For code that closes the server instead of its listener. It also ties this object, and with it the path lock, to
   * the server: the lock of a listener that nobody keeps must not be collected.
   */
  readonly #serverClosed = (): void => {
    this.#end('closed')
  }

  /** The kernel had no descriptor for a connection (accept(2)); it is tried again as long as one waits. */
  readonly #acceptFailed = (cause: Error): void => {
    const nowMs = performance.now()
    if (nowMs - this.#toldMs < QUIET_MS) return
    this.#toldMs = nowMs
    this.emit('acceptFailed', unaccepted(this.endpoint, cause))
  }

  /** Of the socket file; undefined for endpoints that have none. */
  get identity(): Identity | undefined {
    return this.#parts.bound?.identity
  }

  /** Takes the socket away, accepts what still waits, then drains for at most `drainMs`. */
  close(): Promise<Ending> {
    this.#end('closed')
    return this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #end(reason: Ending['reason']): Promise<void> {
    if (this.#closing) return
    this.#closing = true
    this.#parts.connections.startDraining()
    this.emit('draining')
    await this.#watchdog?.[Symbol.asyncDispose]()
    const failure = await this.#giveUpPath(reason)
    await this.#acceptTheRest(reason)
    const stopped = this.#acceptors.map(stopAccepting)
    const cut = await this.#parts.connections.drain(this.#parts.drainMs)
    await Promise.all(stopped)
    this.#ended.resolve({ reason, cut, ...failure })
  }

  /** First of all: a client that comes later is told that there is no socket, instead of being dropped. */
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
    await turn() // the kernel's queue is accepted whole in one turn of the event loop
    await turn()
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

  /** The one before accepts on a socket that has no name any more; the server stays, for closed it would be at its end. */
  #acceptOnlyOn(acceptor: Server): void {
    const [server = acceptor, ...nameless] = this.#acceptors
    this.#acceptors = [server, acceptor]
    for (const each of nameless) each.close()
  }

  async #republish(bound: BoundPath): Promise<void> {
    const acceptor = acceptorFor(this.#parts.server)
    const outcome = await bound.republish(acceptor)
    if (outcome === 'superseded' && !this.#closing) this.#replaced()
    if (outcome !== 'published') return
    this.#acceptOnlyOn(acceptor)
    this.#isLost = false
    this.emit('republished', bound.identity)
  }
}

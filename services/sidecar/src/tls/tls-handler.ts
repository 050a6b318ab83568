import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'
import { statusOf } from '@uds-sidecar/shared/failure/failures'
import type { RouteLog } from '../observe/access-log.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { HandshakeFailure, TlsCounters } from '../observe/tls-status.ts'
import { clientAddressOf } from '../relay/caller.ts'
import type { ConnectionLimits, Peer } from '../relay/connection-limits.ts'
import type { Deadlines } from '../relay/deadlines.ts'
import { logRefused } from '../relay/exchange-log.ts'
import { type ConnectionHandler, reset, setTransport } from '../relay/port.ts'
import { refuseConnection } from '../relay/refuse-connection.ts'
import { tlsRequired } from '../relay/relay-failures.ts'
import { StagedDrain } from '../relay/staged-drain.ts'
import type { CertificatePair } from './certificate-pair.ts'
import { Handshake, keyOf, reasonOf } from './handshake.ts'
import { tls } from './node-tls.ts'
import { writePromptly } from './prompt-writes.ts'
import { type ContextParts, contextOf } from './secure-context.ts'

/** The first byte of every TLS connection: a record of the type handshake (RFC 8446 section 5.1). */
const HANDSHAKE_RECORD = 22
/** Makes a letter lower case. */
const LOWER = 32
const [A, Z] = [97, 122]
/** A handshake after which the client is only told why it is refused may take so long. */
const REFUSING_MS = 2_000

/** The certificate, as far as the handshakes need it. */
interface CertificateInUse extends ContextParts {
  readonly counters: TlsCounters
  onReplaced: (pair: CertificatePair) => void
}

export interface TlsHandlerParts {
  readonly certificate: CertificateInUse
  /** Takes the connections when their handshake is done. */
  readonly inner: ConnectionHandler
  /** A handshake takes a place of the connection that it becomes. */
  readonly limits: ConnectionLimits
  readonly deadlines: Deadlines
  /** Selects http/1.1 by ALPN, and responds to plain HTTP. */
  readonly isHttp: boolean
  /** Whether a trusted proxy has this address: then it may have any number of connections. Default: none has. */
  readonly isProxy?: ((address: string) => boolean) | undefined
  /** Counters of the route; undefined for the operations port. */
  readonly counters?: RouteCounters | undefined
  /** Undefined for the operations port. */
  readonly accessLog?: RouteLog | undefined
}

/**
 * Does the TLS handshakes of a listener, and passes the connections on to the handler of its route. A `tls.Server` that
 * never listens does the handshakes: `setSecureContext` replaces its certificate between two of them.
 */
export class TlsHandler implements ConnectionHandler {
  readonly #parts: TlsHandlerParts
  readonly #server: Server
  /** By address and port of the client, oldest first. */
  readonly #handshakes = new Map<string, Handshake>()
  readonly #drain: StagedDrain

  constructor(parts: TlsHandlerParts) {
    const { certificate, inner, isHttp } = parts
    const { clientCa, settings } = certificate
    const protocols = isHttp ? ['http/1.1'] : settings.alpn
    this.#parts = parts
    this.#drain = new StagedDrain({
      pending: this.#handshakes,
      cutAll: () => this.#cutAll(),
      next: inner,
    })
    this.#server = tls
      .createServer({
        ...contextOf(certificate),
        ...(protocols === undefined ? {} : { ALPNProtocols: [...protocols] }),
        requestCert: clientCa !== null,
        rejectUnauthorized: false, // it would refuse clients without a certificate
      })
      .on('secureConnection', (client) => this.#secured(client))
      .on('tlsClientError', (error: NodeJS.ErrnoException, client) => this.#failed(error, client))
    certificate.onReplaced = () => this.#server.setSecureContext(contextOf(certificate))
    if (clientCa === null) return
    clientCa.onTick = () => inner.judgeAnew?.()
    clientCa.onReplaced = () => {
      this.#server.setSecureContext(contextOf(certificate))
      inner.judgeAnew?.()
    }
  }

  accept(raw: Socket): void {
    raw.on('error', () => raw.destroy())
    const address = clientAddressOf(raw) ?? ''
    const key = keyOf(raw)
    const peer = this.#drain.isOver || key === null ? null : this.#placeFor(address)
    if (key === null || (peer === null && !this.#mayExplain())) this.#refuse(raw)
    else this.#begin(new Handshake({ raw, key, address, peer }, (late) => this.#cut(late, 'timeout')))
  }

  /**
   * Whether a connection without a place may do its handshake all the same, so that the handler of the route can send it
   * a 503 that says why. Few may at a time, those of connections without TLS included.
   */
  #mayExplain(): boolean {
    return !this.#drain.isOver && this.#parts.isHttp && this.#parts.limits.mayReadRefusal()
  }

  drain(drainMs: number): Promise<void> {
    return this.#drain.drain(drainMs)
  }

  #cutAll(): void {
    for (const handshake of [...this.#handshakes.values()]) this.#cut(handshake, 'closed')
  }

  #refuse(raw: Socket): void {
    const { counters, accessLog } = this.#parts
    const code = this.#drain.isOver ? 'draining' : 'overloaded'
    counters?.fail(code)
    const caller = { address: clientAddressOf(raw), uid: undefined }
    if (accessLog !== undefined) logRefused(accessLog, caller, { code }, { head: null, bytesToClient: 0 })
    if (!this.#drain.isOver) this.#parts.certificate.counters.failed('overloaded')
    reset(raw)
  }

  /** A new handshake displaces the oldest one: an honest client needs few round trips, and a flood only hurts itself. */
  #placeFor(address: string): Peer | null {
    const { limits, certificate } = this.#parts
    const max = certificate.settings.handshakes
    if (this.#handshakes.size >= max / 2) {
      const own = [...this.#handshakes.values()].filter((handshake) => handshake.address === address)
      if (own.length >= max / 2) this.#displace(own[0])
      else if (this.#handshakes.size >= max) this.#displace(this.#handshakes.values().next().value)
    }
    const isProxy = this.#parts.isProxy?.(address) ?? false
    const peer = limits.take(address, isProxy)
    if (peer !== null) return peer
    this.#displace(this.#oldestOf(address))
    return limits.take(address, isProxy)
  }

  /** The oldest handshake with a place of this address, or of any when it has none. */
  #oldestOf(address: string): Handshake | undefined {
    const all = [...this.#handshakes.values()].filter(({ peer }) => peer !== null)
    return all.find((handshake) => handshake.address === address) ?? all[0]
  }

  #displace(handshake: Handshake | undefined): void {
    if (handshake !== undefined) this.#cut(handshake, 'overloaded')
  }

  #begin(handshake: Handshake): void {
    const { raw, peer } = handshake
    const { handshakeTimeout } = this.#parts.certificate.settings
    this.#handshakes.set(handshake.key, handshake)
    this.#parts.deadlines.set(
      handshake,
      peer === null ? Math.min(REFUSING_MS, handshakeTimeout) : handshakeTimeout,
    )
    const leave = () => raw.destroy()
    const peek = () => {
      const bytes = raw.read()
      if (bytes === null) return // the client has ended
      raw.off('readable', peek).off('end', leave)
      this.#take(handshake, bytes)
    }
    raw
      .on('readable', peek)
      .once('end', leave)
      .once('close', () => this.#end(handshake, handshake.hasBegun ? 'closed' : null))
  }

  /** Decides by the first byte what the client speaks. */
  #take(handshake: Handshake, bytes: Buffer): void {
    const { raw } = handshake
    const [first = 0] = bytes
    handshake.hasBegun = true
    if (first === HANDSHAKE_RECORD) {
      raw.unshift(bytes)
      raw.allowHalfOpen = false // a client that leaves during the handshake ends it
      this.#server.emit('connection', raw)
    } else if (this.#parts.isHttp && isLetter(first)) this.#respondToPlainHttp(handshake, bytes)
    else this.#cut(handshake, 'not_tls')
  }

  #respondToPlainHttp(handshake: Handshake, bytes: Buffer): void {
    const { counters, limits, accessLog } = this.#parts
    const failure = tlsRequired()
    counters?.fail(failure)
    counters?.responded('', statusOf(failure.code), 0)
    this.#end(handshake, 'plain_http')
    const bytesToClient = refuseConnection(handshake.raw, failure, limits)
    if (accessLog !== undefined)
      logRefused(accessLog, { address: handshake.address, uid: undefined }, failure, {
        head: bytes,
        bytesToClient,
      })
  }

  /**
   * Called while OpenSSL still handles the client's last message. A handler that destroyed the connection now would end
   * the process (Node 26.10: segmentation fault when the TCP and the TLS socket are both destroyed), so it gets the
   * connection in the next turn. To reset the TCP connection alone is safe: in TLS 1.2 the client then sees its handshake
   * fail, in TLS 1.3 an error after it.
   */
  #secured(client: TLSSocket): void {
    const key = keyOf(client)
    const handshake = key === null ? undefined : this.#handshakes.get(key)
    if (handshake === undefined) {
      client.destroy() // the client has left already
      return
    }
    if (this.#parts.certificate.clientCa?.admits(client) === false) {
      this.#cut(handshake, 'client_certificate')
      return
    }
    // OpenSSL has refused clients that offer other protocols than `alpn`, but not those that offer none.
    if (this.#parts.certificate.settings.alpn !== undefined && client.alpnProtocol === false) {
      this.#cut(handshake, 'alpn')
      return
    }
    client.allowHalfOpen = true
    client.on('error', () => client.destroy())
    setTransport(client, handshake.raw)
    writePromptly(client)
    setImmediate(() => this.#passOn(client, handshake))
  }

  #passOn(client: TLSSocket, handshake: Handshake): void {
    if (handshake.isOver) return // cut, or left, in the meantime
    this.#end(handshake, null) // gives back its place, which the handler takes at once
    this.#parts.inner.accept(client)
  }

  #failed({ code = '' }: NodeJS.ErrnoException, client: TLSSocket): void {
    const key = keyOf(client)
    const handshake = key === null ? undefined : this.#handshakes.get(key)
    if (handshake !== undefined) this.#end(handshake, reasonOf(code))
    client.destroy()
  }

  #cut(handshake: Handshake, reason: HandshakeFailure): void {
    this.#end(handshake, reason)
    reset(handshake.raw)
  }

  /** @param reason null when it has not failed. */
  #end(handshake: Handshake, reason: HandshakeFailure | null): void {
    if (handshake.isOver) return
    handshake.isOver = true
    this.#parts.deadlines.clear(handshake)
    if (handshake.peer === null) this.#parts.limits.refusalRead()
    else this.#parts.limits.release(handshake.peer)
    if (this.#handshakes.get(handshake.key) === handshake) this.#handshakes.delete(handshake.key)
    if (reason !== null) this.#parts.certificate.counters.failed(reason)
    this.#drain.removed()
  }
}

/** A request line begins with one: the names of methods are in upper case, but clients exist that do not know it. */
function isLetter(byte: number): boolean {
  const lower = byte | LOWER
  return lower >= A && lower <= Z
}

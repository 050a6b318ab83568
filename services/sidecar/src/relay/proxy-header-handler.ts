import type { Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatAddress } from '../egress/address-bytes.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import { type ProxyHeader, type ProxyHeaderFailure, parseProxyHeader } from '../proxies/proxy-header.ts'
import { TrustedProxies } from '../proxies/trusted-proxies.ts'
import { type Caller, callerOf, setClientAddress } from './caller.ts'
import type { ConnectionLimits, Peer } from './connection-limits.ts'
import { type Deadlines, Timed } from './deadlines.ts'
import { type ConnectionHandler, reset } from './port.ts'
import { StagedDrain } from './staged-drain.ts'

/** Lines about connections without a valid header in a minute; the next line says how many were left out. */
const MAX_LINES = 10
const MINUTE_MS = 60_000

const HINTS: Readonly<Record<ProxyHeaderFailure, string>> = {
  untrusted:
    'if this is a proxy of yours, add it to trustedProxies of the route; anybody else must not connect here',
  missing: 'make the proxy send the header (HAProxy: send-proxy-v2), or set proxyProtocol: off',
  version_1: 'make the proxy send version 2 (HAProxy: send-proxy-v2; nginx can send version 1 only)',
  malformed: 'correct the proxy: proxy-protocol.txt of HAProxy, section 2.2, says what a header is',
  too_long: 'make the proxy send fewer extensions (TLV)',
  checksum: 'the header was changed on its way, or the proxy computes its CRC-32C wrongly',
  timeout:
    'make the proxy send the header at once, or raise timeouts.proxyHeader of the route (kind connect: timeouts.head)',
  closed: 'the proxy ended the connection in the middle of its header: see its log',
}

export interface ProxyHeaderParts {
  readonly listen: Endpoint
  readonly trustedProxies: readonly string[]
  readonly timeoutMs: number
  /** Takes the connections after their header: it finds the address of the client with `callerOf`. */
  readonly next: ConnectionHandler
  /** A header takes a place of the connection that it begins. */
  readonly limits: ConnectionLimits
  readonly deadlines: Deadlines
  readonly counters: RouteCounters
  readonly log: { warn(facts: object, message: string): void }
}

/** Reads the PROXY header of each connection, before TLS, and passes the connection on. Without a valid one it is reset. */
export class ProxyHeaderHandler implements ConnectionHandler {
  readonly #parts: ProxyHeaderParts
  readonly #trusted: TrustedProxies
  readonly #pending = new Set<PendingHeader>()
  readonly #drain: StagedDrain
  #minuteMs = Number.NEGATIVE_INFINITY
  #lines = 0
  #unlogged = 0

  constructor(parts: ProxyHeaderParts) {
    this.#parts = parts
    this.#trusted = new TrustedProxies(parts.trustedProxies)
    this.#drain = new StagedDrain({
      pending: this.#pending,
      cutAll: () => this.#cutAll(),
      next: parts.next,
    })
    parts.counters.showProxyHeaders()
  }

  accept(raw: Socket): void {
    const { limits, listen, counters } = this.#parts
    raw.on('error', () => raw.destroy())
    const sender = callerOf(raw, listen)
    const hasLeft = listen.kind === 'tcp' && sender.address === undefined // such as a health check that ends with a reset
    const peer = this.#drain.isOver || hasLeft ? null : limits.take(sender.key, true)
    if (hasLeft) raw.destroy()
    else if (peer === null) {
      counters.fail(this.#drain.isOver ? 'draining' : 'overloaded')
      reset(raw)
    } else if (this.#trusted.trusts(sender)) this.#begin(raw, sender, peer)
    else {
      limits.release(peer)
      this.#report(sender, 'untrusted')
      reset(raw)
    }
  }

  drain(drainMs: number): Promise<void> {
    return this.#drain.drain(drainMs)
  }

  #cutAll(): void {
    for (const pending of [...this.#pending]) {
      this.#end(pending)
      this.#parts.counters.fail('draining')
      reset(pending.raw)
    }
  }

  #begin(raw: Socket, sender: Caller, peer: Peer): void {
    const pending = new PendingHeader(raw, sender, peer, (late) => this.#cut(late, 'timeout'))
    this.#pending.add(pending)
    this.#parts.deadlines.set(pending, this.#parts.timeoutMs)
    const leave = () => raw.destroy()
    const peek = () => {
      // With its size, so that `end` is left for the next handler: a read past the end would emit it now.
      const bytes: Buffer | null = raw.read(raw.readableLength)
      if (bytes === null || pending.isOver) return
      const header = pending.append(bytes)
      if (header === null) return
      raw.off('readable', peek).off('end', leave)
      if (typeof header === 'string') this.#cut(pending, header)
      else this.#passOn(pending, header)
    }
    raw
      .on('readable', peek)
      .once('end', leave)
      .once('close', () => this.#left(pending))
  }

  /** Its place is free for the connection of its client, which the next handler takes at once. */
  #passOn(pending: PendingHeader, { length, source }: ProxyHeader): void {
    const { raw } = pending
    this.#end(pending)
    if (source !== null) setClientAddress(raw, formatAddress(source))
    if (pending.bytes.length > length) raw.unshift(pending.bytes.subarray(length))
    this.#parts.next.accept(raw)
  }

  /** A connection that ends before its first byte is a probe of the port. */
  #left(pending: PendingHeader): void {
    if (!pending.isOver && pending.bytes.length > 0) this.#report(pending.sender, 'closed')
    this.#end(pending)
  }

  #cut(pending: PendingHeader, reason: ProxyHeaderFailure): void {
    this.#report(pending.sender, reason)
    this.#end(pending)
    reset(pending.raw)
  }

  #end(pending: PendingHeader): void {
    if (pending.isOver) return
    pending.isOver = true
    this.#pending.delete(pending)
    this.#parts.deadlines.clear(pending)
    this.#parts.limits.release(pending.peer)
    this.#drain.removed()
  }

  /** Counts it, and logs it unless there were too many in this minute: anybody can connect. */
  #report({ key }: Caller, reason: ProxyHeaderFailure): void {
    const { counters, deadlines, log } = this.#parts
    counters.proxyHeaderFailed(reason)
    if (deadlines.nowMs - this.#minuteMs >= MINUTE_MS) {
      this.#minuteMs = deadlines.nowMs
      this.#lines = 0
    }
    if (this.#lines === MAX_LINES) {
      this.#unlogged += 1
      return
    }
    this.#lines += 1
    const unlogged = this.#unlogged === 0 ? {} : { unlogged: this.#unlogged }
    this.#unlogged = 0
    log.warn(
      { reason, caller: key, ...unlogged, hint: HINTS[reason] },
      'a connection without a valid PROXY header was closed',
    )
  }
}

const NOTHING = Buffer.alloc(0)

/** A connection whose header is not whole. */
class PendingHeader extends Timed {
  readonly raw: Socket
  /** Who sends the header. */
  readonly sender: Caller
  readonly peer: Peer
  bytes: Buffer = NOTHING
  isOver = false
  readonly #onLate: (pending: PendingHeader) => void

  constructor(raw: Socket, sender: Caller, peer: Peer, onLate: (pending: PendingHeader) => void) {
    super()
    this.raw = raw
    this.sender = sender
    this.peer = peer
    this.#onLate = onLate
  }

  /** @returns as `parseProxyHeader` */
  append(bytes: Buffer): ReturnType<typeof parseProxyHeader> {
    this.bytes = this.bytes.length === 0 ? bytes : Buffer.concat([this.bytes, bytes])
    return parseProxyHeader(this.bytes)
  }

  expire(): void {
    this.#onLate(this)
  }
}

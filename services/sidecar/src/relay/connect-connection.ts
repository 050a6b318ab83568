import type { Socket } from 'node:net'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { statusOf } from '@uds-sidecar/shared/failure/failures'
import { EgressDenied } from '../egress/egress-denied.ts'
import { lookupOf } from '../egress/egress-policy.ts'
import type { Target } from '../egress/host-name.ts'
import { LF } from '../http1/bytes.ts'
import { INCOMPLETE } from '../http1/fields.ts'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { PartialHead } from '../http1/partial-head.ts'
import { REFUSED, RequestHead } from '../http1/request-head.ts'
import { CLIENT_LEFT } from '../observe/access-log.ts'
import type { Caller } from './caller.ts'
import type { ConnectRelay } from './connect-relay.ts'
import { ConnectTunnel, type ConnectTunnelEnds } from './connect-tunnel.ts'
import { ConnectionLog } from './connection-log.ts'
import { Timed } from './deadlines.ts'
import { logRefused } from './exchange-log.ts'
import { destroyIt, reset } from './port.ts'
import { problemResponse } from './problem-response.ts'
import { ReadBuffer } from './read-buffer.ts'
import {
  clientTooSlow,
  connectOnly,
  headTooLarge,
  notForCaller,
  refused,
  shuttingDown,
  targetTooLong,
  tooManyTunnels,
  unexpected,
} from './relay-failures.ts'
import { DirectReading } from './stream-relay.ts'

/** A refused client may go on sending for so long: closing with unread bytes could cost it the response. */
const LINGER_MS = 2_000

const ESTABLISHED = Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')
const NO_FIELDS: ReadonlySet<string> = new Set()

/**
 * What the connection waits for: `head`, the CONNECT; `dialling`, the upstream; `tunnel`, the end of its tunnel; `over`, the
 * end of the connection.
 */
type State = 'head' | 'dialling' | 'tunnel' | 'over'

/** One client connection of a route of kind connect: reads the CONNECT, and refuses it or opens its tunnel. */
export class ConnectConnection extends Timed {
  readonly #client: Socket
  readonly #caller: Caller
  readonly #shared: ConnectRelay
  #state: State = 'head'
  #partial: PartialHead | null = null
  #tunnel: ConnectTunnel | null = null
  /** The bytes of a head that is not accepted yet. */
  #head: Buffer | null = null
  /** Has taken one of `limits.tunnels`, which it does before it dials. */
  #hasPlace = false
  /** Of its CONNECT, once that is read. */
  #target: Target | null = null
  #startedMs = 0
  /** Of its CONNECT, from its head on. */
  #log: ConnectionLog | null = null
  readonly #onData = (bytes: Buffer): void => this.#receive(bytes)

  constructor(client: Socket, caller: Caller, shared: ConnectRelay, onClosed: () => void) {
    super()
    this.#client = client
    this.#caller = caller
    this.#shared = shared
    client
      .on('data', this.#onData)
      .on('end', () => this.#ended())
      .on('close', () => {
        this.#closed()
        onClosed()
      })
    shared.deadlines.set(this, shared.route.timeoutsMs.head)
  }

  /** The route ends: a tunnel that is quiet counts as finished. */
  wrapUp(graceMs: number): void {
    this.#tunnel?.wrapUp()
    if (this.#state === 'head' && this.#partial === null) this.#shared.deadlines.set(this, graceMs)
  }

  /** Ends the connection at once. */
  cut(): void {
    if (this.#tunnel !== null) this.#tunnel.cut()
    else {
      this.#log?.end('draining')
      reset(this.#client)
    }
  }

  /** Rules, or what the caller proves, may have changed: ends a tunnel that is no longer permitted. */
  judgeAnew(): void {
    if (this.#target === null || this.#shared.permits(this.#target, this.#caller)) return
    this.#tunnel?.revoke()
  }

  expire(): void {
    if (this.#state === 'head' && this.#partial !== null) this.#refuse(clientTooSlow())
    else this.#client.destroy()
  }

  #receive(bytes: Buffer): void {
    if (this.#state === 'head') this.#receiveHead(bytes)
  }

  #receiveHead(bytes: Buffer): void {
    const { headBytes } = this.#shared.route.limits
    if (this.#partial === null) this.#readHead(bytes)
    else if (this.#partial.append(bytes) || this.#partial.length > headBytes)
      this.#readHead(this.#partial.bytes)
  }

  #readHead(bytes: Buffer): void {
    const { headBytes, fields } = this.#shared.route.limits
    const head = new RequestHead()
    this.#head = bytes
    const rules = { maxFields: fields, passFields: NO_FIELDS, takesConnect: true }
    const position = parseRequestHead(head, bytes, 0, bytes.length, rules)
    if (position === REFUSED) this.#refuse(refused(head.refusal))
    else if ((position === INCOMPLETE ? bytes.length : position) > headBytes)
      this.#refuse(lineEnd(bytes) >= headBytes ? targetTooLong(headBytes) : headTooLarge(headBytes))
    else if (position === INCOMPLETE) this.#partial ??= new PartialHead(bytes, 0, bytes.length)
    else if (head.method !== 'CONNECT') this.#refuse(connectOnly(head.method), head.method)
    else {
      const authority = bytes.toString('latin1', head.authorityStart, head.authorityEnd)
      this.#beginLog(authority, position)
      this.#start(authority, Buffer.from(bytes.subarray(position)))
    }
  }

  /** @param headBytes the length of the head */
  #beginLog(authority: string, headBytes: number): void {
    this.#log = new ConnectionLog(this.#shared.accessLog, this.#caller, 'request')
    this.#log.user = this.#shared.nameOf(this.#caller)
    this.#log.method = 'CONNECT'
    this.#log.target = authority
    this.#log.bytesFromClient = headBytes
  }

  /** @param early what the client has sent after its head; it is not read further until the 200 */
  #start(authority: string, early: Buffer): void {
    this.#state = 'dialling'
    this.#partial = null
    this.#head = null
    this.#startedMs = this.#shared.deadlines.nowMs
    this.#shared.deadlines.clear(this) // the look-up and the dial have their own
    this.#client.pause()
    this.#open(authority, early).catch((error: unknown) => {
      if (error instanceof Failure) return this.#refuse(error)
      this.#shared.logDefect(error)
      this.#refuse(unexpected(error))
    })
  }

  async #open(authority: string, early: Buffer): Promise<void> {
    const { policy, route, isDraining } = this.#shared
    if (isDraining) throw shuttingDown()
    const target = policy.read(authority)
    this.#target = target
    this.#requirePermission(target)
    if (!this.#shared.takeTunnel()) throw tooManyTunnels(route.limits.tunnels)
    this.#hasPlace = true
    this.#log?.dialled()
    const addresses = await policy.addressesOf(target)
    this.#requirePermission(target) // a reload may have come meanwhile
    const reading = new DirectReading(this.#client, new ReadBuffer(this.#shared.buffers))
    const upstream = await dial(
      { kind: 'tcp', host: target.host, port: target.port },
      { timeoutMs: route.timeoutsMs.connect, onread: reading, lookup: lookupOf(addresses) },
    )
    this.#dialled({ client: this.#client, upstream, reading, target }, early)
  }

  #requirePermission(target: Target): void {
    if (this.#shared.permits(target, this.#caller)) return
    throw this.#shared.isDraining ? shuttingDown() : notForCaller(`${target.host}:${target.port}`)
  }

  #dialled(ends: ConnectTunnelEnds, early: Buffer): void {
    const { upstream, target } = ends
    const isWanted = !this.#client.destroyed && this.#shared.permits(target, this.#caller)
    if (!isWanted) {
      upstream.on('error', destroyIt).destroy()
      this.#requirePermission(target)
      return
    }
    this.#count('CONNECT', 200)
    this.#client.write(ESTABLISHED)
    this.#logEstablished()
    this.#state = 'tunnel'
    this.#client.off('data', this.#onData)
    this.#tunnel = new ConnectTunnel(ends, this.#shared, this.#log, () => this.#end())
    this.#tunnel.start(early)
    this.#client.resume()
  }

  #logEstablished(): void {
    if (this.#log === null) return
    this.#log.connected()
    this.#log.status = 200
    this.#log.bytesToClient = ESTABLISHED.length
  }

  #logRefusal(failure: Failure, bytesToClient: number): void {
    if (this.#log === null)
      logRefused(this.#shared.accessLog, this.#caller, failure, { head: this.#head, bytesToClient })
    else {
      this.#log.status = statusOf(failure.code)
      this.#log.bytesToClient = bytesToClient
      this.#log.end(failure)
    }
  }

  #refuse(failure: Failure, method = 'CONNECT'): void {
    if (this.#client.destroyed) return
    this.#shared.counters.fail(failure)
    if (failure instanceof EgressDenied) this.#shared.denied(failure)
    this.#count(method, statusOf(failure.code))
    const allow = failure.code === 'method_not_allowed' ? 'CONNECT' : undefined
    const response = problemResponse(failure, { connection: 'close', headOnly: method === 'HEAD', allow })
    this.#logRefusal(failure, response.length)
    this.#end()
    this.#client.end(response)
    this.#client.resume()
    this.#shared.deadlines.set(this, LINGER_MS)
  }

  #count(method: string, status: number): void {
    const { counters, deadlines } = this.#shared
    counters.responded(method, status, this.#startedMs === 0 ? 0 : deadlines.nowMs - this.#startedMs)
  }

  /** No further byte of the client is looked at. */
  #end(): void {
    this.#state = 'over'
    this.#partial = null
    this.#head = null
    this.#releasePlace()
  }

  #ended(): void {
    if (this.#tunnel !== null) this.#tunnel.clientEnded()
    else this.#client.destroySoon()
  }

  #closed(): void {
    this.#shared.deadlines.clear(this)
    this.#releasePlace()
    this.#tunnel?.clientClosed()
    if (this.#tunnel === null) this.#log?.end(CLIENT_LEFT)
  }

  #releasePlace(): void {
    if (this.#hasPlace) this.#shared.releaseTunnel()
    this.#hasPlace = false
  }
}

/** The length of the request line; that of all bytes while it is not whole. */
function lineEnd(bytes: Buffer): number {
  const at = bytes.indexOf(LF)
  return at < 0 ? bytes.length : at
}

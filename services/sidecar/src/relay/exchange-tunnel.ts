import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { ResponseHead } from '../http1/response-head.ts'
import { faultInSwitch, requestLines, responseLines, type UpgradeRequest } from '../http1/upgrade.ts'
import type { Caller } from './caller.ts'
import type { HttpRelay } from './http-relay.ts'
import { KeptRequest } from './kept-request.ts'
import { type LongExchange, LongRun } from './long-run.ts'
import { tunnelsFull } from './relay-failures.ts'
import type { Allowed } from './request-judge.ts'
import type { RequestSender } from './request-sender.ts'
import type { Tunnel } from './tunnels.ts'
import { UpgradeRun } from './upgrade-run.ts'

const NO_LINES = Buffer.alloc(0)

/**
 * The tunnel that the current request of an exchange may become: a response that may take as long as it likes (`long`), or
 * a switch to another protocol (`upgrade`). Most requests have none.
 */
export class ExchangeTunnel {
  readonly #exchange: LongExchange
  readonly #relay: HttpRelay
  #long: LongRun | null = null
  /** Until the protocol was switched. */
  #upgrade: UpgradeRun | null = null

  constructor(exchange: LongExchange, relay: HttpRelay) {
    this.#exchange = exchange
    this.#relay = relay
  }

  /** The response may take as long as it likes. */
  get isLong(): boolean {
    return this.#long !== null
  }

  /** The request may switch protocols, and has not yet. */
  get mayUpgrade(): boolean {
    return this.#upgrade !== null
  }

  /** The sidecar drains: silence now means that the response is over. */
  get isWrappingUp(): boolean {
    return this.#long?.isWrappingUp === true
  }

  /** Opens a tunnel if the rule of the request says so. @returns why it cannot, or null */
  open(allowed: Allowed | null, request: RequestSender, caller: Caller): Failure | null {
    if (allowed?.upgrade !== undefined) return this.#openUpgrade(allowed.upgrade, this.#keep(request, caller))
    return allowed?.isLong ? this.#openLong(this.#keep(request, caller)) : null
  }

  #openUpgrade(protocol: UpgradeRequest, request: KeptRequest): Failure | null {
    this.#upgrade = new UpgradeRun(this.#exchange, protocol, request, this.#relay)
    return this.#relay.tunnels.open(this.#upgrade, 'upgrade') ? null : this.#tooMany()
  }

  #openLong(request: KeptRequest): Failure | null {
    const long = new LongRun(this.#exchange, request, this.#relay)
    if (!this.#relay.tunnels.open(long, 'long')) return this.#tooMany()
    this.#long = long
    return null
  }

  #tooMany(): Failure {
    return tunnelsFull(this.#relay.route.limits.tunnels)
  }

  #keep(request: RequestSender, caller: Caller): KeptRequest {
    return new KeptRequest(this.#relay, request.copyHead(), caller)
  }

  /** The request and its response are over. */
  close(): void {
    const { tunnels } = this.#relay
    if (this.#long !== null) tunnels.close(this.#long)
    if (this.#upgrade !== null) tunnels.close(this.#upgrade)
    this.#long = null
    this.#upgrade = null
  }

  /** Whether it is the tunnel of the current request, and not of one before. */
  owns(tunnel: Tunnel): boolean {
    return tunnel === this.#long || tunnel === this.#upgrade
  }

  /** Time without a byte of a body; null: that of any other request. */
  idleMs(hasBegun: boolean, hasClientEnded: boolean): number | null {
    return this.#long === null ? null : this.#long.idleMs(hasBegun, hasClientEnded)
  }

  /** What the request says to the upstream in the place of the client's own `Connection` and `Upgrade`. */
  get requestLines(): Buffer {
    return this.#upgrade === null ? NO_LINES : requestLines(this.#upgrade.upgrade)
  }

  /** The same in the 101. */
  get responseLines(): Buffer {
    return this.#upgrade === null ? NO_LINES : responseLines(this.#upgrade.upgrade)
  }

  /** @returns what is wrong with a response with status 101, or null. */
  faultInSwitch(head: ResponseHead, bytes: Buffer, isRequestDone: boolean): string | null {
    if (this.#upgrade === null) return 'it switches protocols, and no Upgrade was forwarded'
    if (!isRequestDone) return 'it switches protocols before it has the whole request'
    return faultInSwitch(this.#upgrade.upgrade, head, bytes)
  }

  /** The protocol was switched: the tunnel goes on without the exchange. @returns what joins the two connections */
  release(): UpgradeRun | null {
    const upgrade = this.#upgrade
    this.#upgrade = null
    return upgrade
  }
}

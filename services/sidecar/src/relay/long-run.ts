import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { HttpRelay } from './http-relay.ts'
import type { KeptRequest } from './kept-request.ts'
import { cutByDrain } from './relay-failures.ts'
import type { Verdict } from './request-judge.ts'
import type { Tunnel, TunnelKind } from './tunnels.ts'

/** The exchange that a tunnel belongs to. */
export interface LongExchange {
  /** The tunnel has less time now. */
  hurry(): void
  /** Does nothing when the tunnel is over: the exchange may have another request by now. */
  cut(tunnel: Tunnel, failure: Failure): void
}

/**
 * One response that may take as long as it likes (`long`). Only silence ends it: `timeouts.tunnelIdle`, less while the
 * sidecar drains or after the client has ended its side.
 */
export class LongRun implements Tunnel {
  readonly #exchange: LongExchange
  readonly #request: KeptRequest
  readonly #relay: HttpRelay
  #quietMs = Number.POSITIVE_INFINITY

  constructor(exchange: LongExchange, request: KeptRequest, relay: HttpRelay) {
    this.#exchange = exchange
    this.#request = request
    this.#relay = relay
  }

  /** The sidecar drains: silence now means that it is over. */
  get isWrappingUp(): boolean {
    return this.#quietMs < Number.POSITIVE_INFINITY
  }

  /**
   * How long no byte may come. A client that has ended its side is usually gone, and TCP tells that only when bytes are
   * sent to it.
   */
  idleMs(hasBegun: boolean, hasClientEnded: boolean): number {
    const { tunnelIdle, halfClosed } = this.#relay.route.timeoutsMs
    const ms = hasBegun && hasClientEnded ? Math.min(halfClosed, tunnelIdle) : tunnelIdle
    return hasBegun ? Math.min(ms, this.#quietMs) : ms
  }

  wrapUp(quietMs: number): void {
    this.#quietMs = quietMs
    this.#exchange.hurry()
  }

  cut(): void {
    this.#exchange.cut(this, cutByDrain())
  }

  judgeAnew(): void {
    const failure = faultOf(this.#request.judgeAgain(), 'long', this.#relay)
    if (failure !== null) this.#exchange.cut(this, failure)
  }
}

/**
 * Why a tunnel may not go on after it was judged again; null: it may. The tunnels of a route that is gone drain where nobody
 * had to prove who it is.
 */
export function faultOf(verdict: Verdict, kind: TunnelKind, { route }: HttpRelay): Failure | null {
  if (verdict === null || !('failure' in verdict)) return isOf(kind, verdict) ? null : noLongerAllowed(kind)
  const { code } = verdict.failure
  const mayGoOn = code === 'draining' && route.clients.length === 0
  return mayGoOn ? null : verdict.failure
}

function isOf(kind: TunnelKind, verdict: Verdict): boolean {
  if (verdict === null || !('user' in verdict)) return false
  return kind === 'long' ? verdict.isLong === true : verdict.upgrade !== undefined
}

/** @param what the word of a rule that allowed it before */
export function noLongerAllowed(what: string): Failure {
  return new Failure('not_permitted', {
    message: `a new configuration has no rule with ${what} for this request any more`,
    hint: 'send the request again as the rules are now',
  })
}

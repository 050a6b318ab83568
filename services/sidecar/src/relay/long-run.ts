import { Failure } from '@uds-sidecar/shared/failure/failure'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import type { Caller } from './caller.ts'
import type { HttpRelay } from './http-relay.ts'
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
  /** The head as it came, so that it can be judged again. */
  readonly #bytes: Buffer
  readonly #relay: HttpRelay
  readonly #caller: Caller
  #quietMs = Number.POSITIVE_INFINITY

  constructor(exchange: LongExchange, bytes: Buffer, relay: HttpRelay, caller: Caller) {
    this.#exchange = exchange
    this.#bytes = bytes
    this.#relay = relay
    this.#caller = caller
  }

  /** The sidecar drains: silence now means that it is over. */
  get isOver(): boolean {
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
    judgeAgain(this.#relay, this.#bytes, this.#caller, (verdict) => this.#follow(verdict))
  }

  #follow(verdict: Verdict): void {
    const failure = faultOf(verdict, 'long', this.#relay)
    if (failure !== null) this.#exchange.cut(this, failure)
  }
}

/** Judges a request once more that was allowed before, by the rules and identities as they are now. */
export function judgeAgain(
  { judge, headRules }: HttpRelay,
  bytes: Buffer,
  caller: Caller,
  onVerdict: (verdict: Verdict) => void,
): void {
  const head = new RequestHead()
  parseRequestHead(head, bytes, 0, bytes.length, headRules)
  const verdict = judge.judgeAgain(head, bytes, caller)
  if (verdict instanceof Promise) verdict.then(onVerdict, (cause) => onVerdict({ failure: notJudged(cause) }))
  else onVerdict(verdict)
}

function notJudged(cause: unknown): Failure {
  return new Failure('internal_error', {
    message: 'the caller could not be judged again',
    hint: 'see the log',
    cause,
  })
}

/**
 * Why a tunnel may not go on after it was judged again; null: it may. Passwords that cannot be verified now are no reason,
 * and the tunnels of a route that is gone drain where nobody had to prove who it is.
 */
export function faultOf(verdict: Verdict, kind: TunnelKind, { route }: HttpRelay): Failure | null {
  if (verdict === null || !('failure' in verdict)) return isOf(kind, verdict) ? null : noLongerAllowed(kind)
  const { code } = verdict.failure
  const mayGoOn = code === 'overloaded' || (code === 'draining' && route.clients.length === 0)
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

import { Failure } from '@uds-sidecar/shared/failure/failure'
import { parseRequestHead } from '../http1/parse-request-head.ts'
import { RequestHead } from '../http1/request-head.ts'
import type { Caller } from './caller.ts'
import type { HttpRelay } from './http-relay.ts'
import { cutByDrain } from './relay-failures.ts'
import type { Verdict } from './request-judge.ts'
import type { Tunnel, TunnelKind } from './tunnels.ts'

/** The exchange that a tunnel belongs to. */
interface LongExchange {
  /** The tunnel has less time now. */
  hurry(): void
  cut(failure: Failure): void
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
    this.#exchange.cut(cutByDrain())
  }

  judgeAnew(): void {
    const verdict = judgeAgain(this.#relay, this.#bytes, this.#caller)
    if (verdict instanceof Promise) verdict.then((known) => this.#follow(known))
    else this.#follow(verdict)
  }

  #follow(verdict: Verdict): void {
    const failure = faultOf(verdict, 'long', this.#relay)
    if (failure !== null) this.#exchange.cut(failure)
  }
}

/** Judges a request once more that was allowed before, by the rules and identities as they are now. */
export function judgeAgain(
  { judge, headRules }: HttpRelay,
  bytes: Buffer,
  caller: Caller,
): Verdict | Promise<Verdict> {
  const head = new RequestHead()
  parseRequestHead(head, bytes, 0, bytes.length, headRules)
  return judge.judgeAgain(head, bytes, caller)
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
function noLongerAllowed(what: string): Failure {
  return new Failure('not_permitted', {
    message: `a new configuration has no rule with ${what} for this request any more`,
    hint: 'send the request again as the rules are now',
  })
}

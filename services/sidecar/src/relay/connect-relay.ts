import type { ConnectRoute } from '../config/config.ts'
import type { EgressDenied } from '../egress/egress-denied.ts'
import type { EgressPolicy } from '../egress/egress-policy.ts'
import type { Target } from '../egress/host-name.ts'
import { Guard } from '../identity/guard.ts'
import type { Identities } from '../identity/identities.ts'
import type { RouteLog } from '../observe/access-log.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { Caller } from './caller.ts'
import type { Deadlines } from './deadlines.ts'
import { SharedBuffers } from './read-buffer.ts'
import { callerFor, isSuccession } from './succession.ts'

export interface ConnectRelayParts {
  readonly route: ConnectRoute
  readonly policy: EgressPolicy
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly identities: Identities
  readonly accessLog: RouteLog
  readonly log: {
    info(facts: object, message: string): void
    error(facts: object, message: string): void
  }
}

/** Lines in the log about refusals. */
const LINES_PER_SECOND = 10

/** What the connections of one route of kind connect share. */
export class ConnectRelay {
  readonly route: ConnectRoute
  readonly policy: EgressPolicy
  readonly counters: RouteCounters
  readonly deadlines: Deadlines
  readonly accessLog: RouteLog
  readonly buffers = new SharedBuffers()
  readonly #log: ConnectRelayParts['log']
  readonly #guard: Guard
  /** After a reload: decides about the tunnels that are left; null: none may go on. */
  #next: ConnectRelay | null | undefined
  #tunnels = 0
  isDraining = false
  /** The second for which lines are counted, and how many there were. */
  #second = 0
  #lines = 0
  #unlogged = 0

  constructor({ route, policy, counters, deadlines, identities, accessLog, log }: ConnectRelayParts) {
    this.route = route
    this.policy = policy
    this.counters = counters
    this.deadlines = deadlines
    this.accessLog = accessLog
    this.#log = log
    this.#guard = new Guard(route.name, route.clients, identities)
    counters.showEgress()
  }

  /** A reload gives the port to `next`, whose rules decide from now on; null: none has them. */
  succeededBy(next: ConnectRelay | null): void {
    this.#next = next !== null && isSuccession(this.route, next.route) ? next : null
  }

  /** Whether a rule, after a reload one of the new rules, lets this caller have a tunnel to this target. */
  permits(target: Target, caller: Caller): boolean {
    if (this.#next === null) return false
    if (this.#next !== undefined)
      return this.#next.permits(target, callerFor(this.route, this.#next.route, caller))
    return this.policy.isFor(target, (names) => this.#guard.permits(names, caller))
  }

  /** The client that the connection of a caller proves; null: none. */
  nameOf(caller: Caller): string | null {
    return this.#guard.nameOf(caller)
  }

  /** Takes a place for a tunnel. @returns false when none is left */
  takeTunnel(): boolean {
    if (this.#tunnels >= this.route.limits.tunnels) return false
    this.#tunnels += 1
    return true
  }

  releaseTunnel(): void {
    this.#tunnels -= 1
  }

  /** Counts a refusal, and logs at most {@link LINES_PER_SECOND} of them: a client may send any number. */
  denied({ code, reason, message, hint, facts }: EgressDenied): void {
    this.counters.deny(reason)
    const second = Math.floor(this.deadlines.nowMs / 1_000)
    if (second !== this.#second) this.#lines = 0
    this.#second = second
    this.#lines += 1
    if (this.#lines > LINES_PER_SECOND) this.#unlogged += 1
    else {
      const unlogged = this.#unlogged === 0 ? {} : { unlogged: this.#unlogged }
      this.#unlogged = 0
      this.#log.info({ code, reason, ...facts, hint, ...unlogged }, message)
    }
  }

  /** The client learns only that there is a defect. */
  logDefect(error: unknown): void {
    this.#log.error({ code: 'internal_error', err: error }, 'a CONNECT failed for an unexpected reason')
  }
}

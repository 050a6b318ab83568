import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { HttpRoute } from '../config/config.ts'
import { malformed, type RequestHead, UPGRADE } from '../http1/request-head.ts'
import { offeredProtocols, offersWebSocket, type UpgradeRequest, upgradeRequest } from '../http1/upgrade.ts'
import type { Evidence } from '../identity/credentials.ts'
import { type Admission, type Admitted, ANONYMOUS, Guard } from '../identity/guard.ts'
import type { Identities } from '../identity/identities.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import { judgeSize, judgeTarget, type OptionsForSidecar, type Refused } from '../policy/admission.ts'
import { AllowList, targetOf } from '../policy/allow-list.ts'
import { Hosts } from '../policy/hosts.ts'
import type { Caller } from './caller.ts'
import { refused } from './relay-failures.ts'
import { callerFor, isSameUpstream, isSuccession } from './succession.ts'

/** A request that is forwarded, and how its rule lets it go on. */
export interface Allowed extends Admitted {
  /** Its response may take as long as it likes. */
  readonly isLong?: boolean
  /** It asks for a protocol that it may switch to. */
  readonly upgrade?: UpgradeRequest
}

/** What becomes of a request: null is forwarded as it is, `Allowed` with what is known of its caller and its rule. */
export type Verdict = Refused | OptionsForSidecar | Allowed | null

/** Judges the requests of one HTTP route, in the order of `docs/adr/0011-who-may-enter.md`. */
export class RequestJudge {
  readonly #route: HttpRoute
  readonly #allow: AllowList
  /** Null: every host name is served. */
  readonly #hosts: Hosts | null
  readonly #guard: Guard
  readonly #counters: RouteCounters
  /** After a reload: judges the requests of the connections that are left; null: nothing is served any more. */
  #next: RequestJudge | null | undefined

  constructor(route: HttpRoute, identities: Identities, counters: RouteCounters) {
    this.#route = route
    this.#allow = new AllowList(route.allow, route.encodedSlash)
    this.#hosts = route.hosts === undefined ? null : new Hosts(route.hosts)
    this.#guard = new Guard(route.name, route.clients, identities)
    this.#counters = counters
  }

  /**
   * From now on the rules and clients of `next` decide: a caller or a path that a reload has revoked is revoked on kept
   * connections too. Null, or a listener that proves its callers in another way: nothing is served any more.
   */
  succeededBy(next: RequestJudge | null): void {
    this.#next = next !== null && isSuccession(this.#route, next.#route) ? next : null
  }

  /** @param bytes the buffer that `head` was parsed from. @returns a promise only where a password is verified */
  judge(head: RequestHead, bytes: Buffer, caller: Caller): Verdict | Promise<Verdict> {
    const next = this.#next
    if (next !== undefined)
      return this.#mayFollow(next, head, bytes)
        ? next.judge(head, bytes, callerFor(this.#route, next.#route, caller))
        : { failure: routeReplaced() }
    const clients = this.#clientsFor(head, bytes)
    if ('failure' in clients) return clients
    if (this.#guard.isOpen) return this.#judgeSize(head, bytes) ?? this.#admitted(null, head, bytes)
    const admission = this.#guard.admit(clients, caller, authorizationOf(head, bytes))
    if (!(admission instanceof Promise)) return this.#concludeNew(admission, head, bytes)
    return admission.then((known) => this.#concludeNew(known, head, bytes))
  }

  /**
   * The same for a request that was allowed before and is still under way. It is not counted again.
   * @param evidence what was kept of its `Authorization`; null: it had none.
   */
  judgeAgain(head: RequestHead, bytes: Buffer, caller: Caller, evidence: Evidence | null): Verdict {
    const next = this.#next
    if (next !== undefined)
      return this.#mayFollow(next, head, bytes)
        ? next.judgeAgain(head, bytes, callerFor(this.#route, next.#route, caller), evidence)
        : { failure: routeReplaced() }
    const clients = this.#clientsFor(head, bytes)
    if ('failure' in clients) return clients
    return this.#conclude(this.#guard.readmit(clients, caller, evidence), head, bytes)
  }

  /** A former connection leads to the former upstream: the new rules count for that only where it is the same. */
  #mayFollow(next: RequestJudge | null, head: RequestHead, bytes: Buffer): next is RequestJudge {
    if (next === null || isSameUpstream(this.#route, next.#route)) return next !== null
    const protocol = this.#allow.hasUpgrades ? this.#protocolOf(head, bytes) : null
    return !('failure' in judgeTarget(this.#allow, head, bytes, protocol))
  }

  /** The names of the clients that the request is for; none: everybody. */
  #clientsFor(head: RequestHead, bytes: Buffer): readonly string[] | Refused {
    if (this.#hosts !== null && !this.#hosts.serve(hostOf(head, bytes))) return { failure: wrongHost() }
    const protocol = this.#allow.hasUpgrades ? this.#protocolOf(head, bytes) : null
    if (protocol === null && head.mayUpgrade && head.pathBits >= 0 && offersWebSocket(head, bytes))
      return { failure: refused(UPGRADE) }
    return judgeTarget(this.#allow, head, bytes, protocol)
  }

  #concludeNew(admission: Admission, head: RequestHead, bytes: Buffer): Verdict {
    this.#counters.calledBy(admission.user)
    return this.#conclude(admission, head, bytes)
  }

  #conclude(admission: Admission, head: RequestHead, bytes: Buffer): Verdict {
    if ('failure' in admission) return admission
    return this.#judgeSize(head, bytes) ?? this.#admitted(admission, head, bytes)
  }

  /** The protocol that the request asks for and may switch to by a rule, for whichever client. */
  #protocolOf(head: RequestHead, bytes: Buffer): string | null {
    const offered = head.pathBits < 0 ? [] : offeredProtocols(head, bytes)
    return offered.length === 0 ? null : this.#allow.upgradeFor(head.method, targetOf(head, bytes), offered)
  }

  #admitted(admitted: Admitted | null, head: RequestHead, bytes: Buffer): Verdict {
    const protocol = this.#allow.hasUpgrades ? this.#protocolOf(head, bytes) : null
    if (protocol !== null) return upgraded(admitted, upgradeRequest(protocol, head, bytes))
    const user = admitted === null ? null : admitted.user
    if (!this.#allow.isLong(head.method, targetOf(head, bytes), user)) return admitted
    return { ...(admitted ?? ANONYMOUS), isLong: true }
  }

  #judgeSize(head: RequestHead, bytes: Buffer): Refused | OptionsForSidecar | null {
    return judgeSize(this.#allow, this.#route.limits.bodyBytes, head, bytes)
  }
}

function upgraded(admitted: Admitted | null, upgrade: UpgradeRequest | string): Verdict {
  if (typeof upgrade === 'string') return { failure: refused(malformed(upgrade)) }
  return { ...(admitted ?? ANONYMOUS), upgrade }
}

/** The value of `Authorization`; null: there is none. */
export function authorizationOf(
  { authorizationStart, authorizationEnd }: RequestHead,
  bytes: Buffer,
): string | null {
  if (authorizationStart < 0) return null
  return bytes.toString('latin1', authorizationStart, authorizationEnd)
}

/** Empty without `Host`. The authority of an absolute URL is the same as its `Host` (`readRequestFields`). */
function hostOf({ hostStart, hostEnd }: RequestHead, bytes: Buffer): string {
  return bytes.toString('latin1', hostStart, hostEnd)
}

export function wrongHost(): Failure {
  return new Failure('wrong_host', {
    message: 'the host name of the request is none that this listener serves',
    hint: 'use an IP address in the URL, or add the name to hosts in the configuration of the listener',
  })
}

function routeReplaced(): Failure {
  return new Failure('draining', {
    message: 'a new configuration has replaced the route of this connection',
    hint: 'send the request again on a new connection',
  })
}

import type { Identities } from '../identity/identities.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { SharedRoom } from './connection-limits.ts'

/** What may go on for as long as it likes: a response of a rule with `long`, or an upgraded connection. */
export interface Tunnel {
  /** The sidecar drains: it ends once no byte has come for `quietMs`. */
  wrapUp(quietMs: number): void
  /** The time to drain is over: ends it at once. */
  cut(): void
  /** The rules or the identities have changed: ends it unless a new request of its kind would be allowed. */
  judgeAnew(): void
}

export type TunnelKind = 'long' | 'upgrade'

/** While draining, a tunnel without a byte for so long counts as finished: it does not say where it ends. */
export const QUIET_MS = 1_000

/**
 * The tunnels of one route. Each has an upstream connection of its own beside `limits.upstreamConnections`, so that a few
 * of them never use up the connections of ordinary requests.
 */
export class Tunnels {
  readonly #max: number
  readonly #room: SharedRoom
  readonly #counters: RouteCounters
  readonly #identities: Identities
  readonly #open = new Map<Tunnel, TunnelKind>()
  #isDraining = false

  constructor(max: number, room: SharedRoom, counters: RouteCounters, identities: Identities) {
    this.#max = max
    this.#room = room
    this.#counters = counters
    this.#identities = identities
  }

  /** @returns false when there are too many already */
  open(tunnel: Tunnel, kind: TunnelKind): boolean {
    if (this.#open.size >= this.#max || !this.#room.take(1)) return false
    this.#open.set(tunnel, kind)
    this.#identities.followers.add(this)
    this.#counters.tunnelsOpen[kind] += 1
    this.#counters.tunnelsTotal[kind] += 1
    if (this.#isDraining) tunnel.wrapUp(QUIET_MS)
    return true
  }

  close(tunnel: Tunnel): void {
    const kind = this.#open.get(tunnel)
    if (kind === undefined) return
    this.#open.delete(tunnel)
    if (this.#open.size === 0) this.#identities.followers.delete(this)
    this.#counters.tunnelsOpen[kind] -= 1
    this.#room.release(1)
  }

  drain(): void {
    this.#isDraining = true
    for (const tunnel of [...this.#open.keys()]) tunnel.wrapUp(QUIET_MS)
  }

  cut(): void {
    for (const tunnel of [...this.#open.keys()]) tunnel.cut()
  }

  judgeAnew(): void {
    for (const tunnel of [...this.#open.keys()]) tunnel.judgeAnew()
  }
}

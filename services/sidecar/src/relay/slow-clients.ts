import type { Peer } from './connection-limits.ts'

/** After so many bytes the wait for a client counts from zero again. */
const PACE_BYTES = 32_768

/** Measures how long a client has been waited for while it moved only few bytes. */
export class Pace {
  #sinceMs = 0
  #bytes = 0

  /** The client sent or took some bytes. */
  moved(bytes: number, nowMs: number): void {
    this.#bytes += bytes
    if (this.#bytes >= PACE_BYTES) this.restart(nowMs)
  }

  /** The wait begins now, or is over. */
  restart(nowMs: number): void {
    this.#bytes = 0
    this.#sinceMs = nowMs
  }

  /** Milliseconds since the wait began. */
  waitedMs(nowMs: number): number {
    return nowMs - this.#sinceMs
  }
}

/** A client is slow when its upstream connection has waited for it for so long while other requests wait. */
const STALL_MS = 1_000
/** The same for an address of which a slow connection was ended within `SUSPECT_FOR_MS`. */
const SUSPECT_STALL_MS = 250
const SUSPECT_FOR_MS = 10_000
/** The same for the only connection of an address: the client may be far away and honest. */
const LAST_STALL_MS = 5_000

/** A connection that may wait for a slow client. */
interface Stallable {
  readonly peer: Peer | null
  stalledMs(nowMs: number): number
}

/**
 * The connections that have waited too long for their clients, in the order in which they should be ended: first those
 * of the address that has the most of them, and the longest wait first.
 */
export function slowest<T extends Stallable>(connections: readonly T[], nowMs: number): T[] {
  const stalled = connections
    .map((connection) => ({ connection, ms: connection.stalledMs(nowMs) }))
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => a.ms - b.ms)
  const ranked = [...Map.groupBy(stalled, ({ connection }) => connection.peer)].flatMap(([peer, all]) =>
    all
      .map(({ connection, ms }, index) => ({ connection, ms, left: index + 1 }))
      .filter(({ ms, left }) => ms >= patienceWith(peer, left, nowMs)),
  )
  return ranked.sort((a, b) => b.left - a.left).map(({ connection }) => connection)
}

function patienceWith(peer: Peer | null, left: number, nowMs: number): number {
  if (left === 1) return LAST_STALL_MS
  return peer !== null && nowMs - peer.evictedMs < SUSPECT_FOR_MS ? SUSPECT_STALL_MS : STALL_MS
}

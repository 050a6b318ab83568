import type { Peer } from './connection-limits.ts'

/** A client that moves so many bytes is not slow yet, however long it has been waited for before. */
const PACE_BYTES = 32_768

/** For how long a client has been waited for without moving much. */
export class Pace {
  #sinceMs = 0
  #bytes = 0

  /** The client has moved some bytes. */
  moved(bytes: number, nowMs: number): void {
    this.#bytes += bytes
    if (this.#bytes >= PACE_BYTES) this.restart(nowMs)
  }

  /** Nobody waits for the client now. */
  restart(nowMs: number): void {
    this.#bytes = 0
    this.#sinceMs = nowMs
  }

  /** Milliseconds since it was last restarted, or had moved enough. */
  waitedMs(nowMs: number): number {
    return nowMs - this.#sinceMs
  }
}

/** A client that has kept its upstream connection waiting for so long is slow, if others wait for that connection. */
const STALL_MS = 1_000
/** The same of an address of which one was ended a short while ago. */
const SUSPECT_STALL_MS = 250
const SUSPECT_FOR_MS = 10_000
/** The same of the only one of its address, which may be far away and honest. */
const LAST_STALL_MS = 5_000

/** What may wait for a slow client. */
interface Stallable {
  readonly peer: Peer | null
  stalledMs(nowMs: number): number
}

/**
 * The connections that have waited for their clients for long, in the order in which they are to be ended: always one
 * of the address that has most of them left, the longest wait first.
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

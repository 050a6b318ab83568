import type { Peer } from '../port/connection-limits.ts'

/** A client that has kept its upstream connection waiting for so long is slow, if others wait for that connection. */
const STALL_MS = 1_000

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
    .filter(({ ms }) => ms >= STALL_MS)
    .sort((a, b) => a.ms - b.ms)
    .map(({ connection }) => connection)
  const byPeer = [...Map.groupBy(stalled, ({ peer }) => peer).values()]
  // The rank of a connection is how many its address has left when its turn has come.
  const ranked = byPeer.flatMap((all) => all.map((connection, index) => ({ connection, rank: index + 1 })))
  return ranked.sort((a, b) => b.rank - a.rank).map(({ connection }) => connection)
}

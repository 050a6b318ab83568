import { percentile } from '../stats/percentile.ts'
import type { RoundSummary, TargetSummary } from './result.ts'
import type { TargetName } from './target.ts'

/** How many times slower another way is than the socket, round by round: 1.4 means that the socket is 1.4 times better. */
export interface Ratio {
  readonly of: 'p50' | 'p99' | 'throughput'
  readonly compared: TargetName
  readonly to: 'socket'
  readonly median: number
  readonly min: number
  readonly max: number
}

type Quotient = (other: RoundSummary, socket: RoundSummary) => number

const QUOTIENTS: Readonly<Record<Ratio['of'], Quotient>> = {
  p50: (other, socket) => other.p50Us / socket.p50Us,
  p99: (other, socket) => other.p99Us / socket.p99Us,
  throughput: (other, socket) => socket.requestsPerSecond / other.requestsPerSecond,
}

/** None where a way has no round in which both it and the socket answered. */
export function ratios(targets: readonly TargetSummary[]): Ratio[] {
  const socket = targets.find(({ name }) => name === 'socket')
  if (socket === undefined) return []
  const others = targets.filter(({ name }) => name !== 'socket')
  return others.flatMap((other) =>
    Object.entries(QUOTIENTS).flatMap(([of, quotient]) => ratio(of as Ratio['of'], quotient, other, socket)),
  )
}

function ratio(of: Ratio['of'], quotient: Quotient, other: TargetSummary, socket: TargetSummary): Ratio[] {
  const perRound = other.rounds.flatMap((round, i) => {
    const beside = socket.rounds[i]
    return beside === undefined || beside.requests === 0 || round.requests === 0
      ? []
      : [quotient(round, beside)]
  })
  const median = percentile(perRound, 50)
  if (median === undefined) return []
  return [
    {
      of,
      compared: other.name,
      to: 'socket',
      median,
      min: Math.min(...perRound),
      max: Math.max(...perRound),
    },
  ]
}

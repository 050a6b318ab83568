import { formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import {
  type Latencies,
  type LatencySummary,
  newLatencies,
  type Spread,
  spreadOf,
  summarise,
} from '../stats/statistics.ts'
import type { Measurement } from './measure.ts'
import type { RunResult } from './run.ts'
import type { Settings } from './settings.ts'
import type { TargetName } from './target.ts'

/** How many times better the socket is than another path to the handler, compared round by round. */
export interface Ratio extends Spread {
  readonly of: 'p50' | 'p99' | 'throughput'
  readonly compared: TargetName
  readonly to: 'socket'
}

type Quotient = (other: RoundSummary, socket: RoundSummary) => number

const QUOTIENTS: Readonly<Record<Ratio['of'], Quotient>> = {
  p50: (other, socket) => other.p50Us / socket.p50Us,
  p99: (other, socket) => other.p99Us / socket.p99Us,
  throughput: (other, socket) => socket.requestsPerSecond / other.requestsPerSecond,
}

/** A target without any round in which both it and the socket responded has no ratios. */
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
  return perRound.length === 0 ? [] : [{ of, compared: other.name, to: 'socket', ...spreadOf(perRound) }]
}

export interface RoundSummary {
  readonly requests: number
  readonly seconds: number
  readonly requestsPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

/** Results of one target in a run; `requests` is the sum of its rounds. */
export interface TargetSummary {
  readonly name: TargetName
  readonly endpoint: string
  readonly requests: number
  readonly errors: Readonly<Record<string, number>>
  readonly seconds: number
  readonly requestsPerSecond: number
  /** Payload in one direction; null when the stack decides the size. */
  readonly mebibytesPerSecond: number | null
  readonly latency: LatencySummary
  readonly rounds: readonly RoundSummary[]
}

/** One run as `--json` writes it. */
export interface RunSummary {
  readonly settings: Settings
  readonly loop: 'closed loop' | 'constant rate'
  readonly coordinatedOmission: 'corrected' | 'not corrected'
  readonly interrupted: boolean
  readonly targets: readonly TargetSummary[]
  readonly ratios: readonly Ratio[]
}

const MEBIBYTE = 1024 * 1024

export function summariseRun({ settings, targets, measurements, interrupted }: RunResult): RunSummary {
  const closed = settings.ratePerSecond === null
  const summaries = targets.map(({ name, endpoint }) =>
    summariseTarget(name, formatEndpoint(endpoint), measurements.get(name) ?? [], settings.sizeBytes),
  )
  return {
    settings,
    loop: closed ? 'closed loop' : 'constant rate',
    coordinatedOmission: closed ? 'not corrected' : 'corrected',
    interrupted,
    targets: summaries,
    ratios: ratios(summaries),
  }
}

function summariseTarget(
  name: TargetName,
  endpoint: string,
  rounds: readonly Measurement[],
  sizeBytes: number | null,
): TargetSummary {
  const latencies = merged(rounds)
  const requests = latencies.count
  const seconds = rounds.reduce((sum, round) => sum + round.seconds, 0)
  const requestsPerSecond = perSecond(requests, seconds)
  return {
    name,
    endpoint,
    requests,
    errors: addedUp(rounds.map(({ errors }) => errors)),
    seconds,
    requestsPerSecond,
    mebibytesPerSecond: sizeBytes === null ? null : (requestsPerSecond * sizeBytes) / MEBIBYTE,
    latency: summarise(latencies),
    rounds: rounds.map(summariseRound),
  }
}

/** All rounds of a target together. */
export function merged(rounds: readonly Measurement[]): Latencies {
  const all = newLatencies()
  for (const { latencies } of rounds) all.add(latencies)
  return all
}

function summariseRound({ latencies, seconds }: Measurement): RoundSummary {
  const { p50Us, p99Us } = summarise(latencies)
  const requests = latencies.count
  return { requests, seconds, requestsPerSecond: perSecond(requests, seconds), p50Us, p99Us }
}

function perSecond(count: number, seconds: number): number {
  return seconds === 0 ? 0 : count / seconds
}

function addedUp(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const [reason, count] of counts.flatMap((one) => Object.entries(one)))
    sum[reason] = (sum[reason] ?? 0) + count
  return sum
}

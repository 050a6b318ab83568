import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import { type Latencies, newLatencies, recordMs } from '../stats/statistics.ts'
import { type Exchanger, openExchanger } from './exchange.ts'
import { closedLoop, constantRate, type Load } from './load.ts'
import type { Settings } from './settings.ts'
import type { Ground, Target } from './target.ts'

/** Counts failures by reason: a code of the failure table, or the name of the system error. */
export class ErrorCounts {
  readonly byReason: Record<string, number> = {}

  count(error: unknown): void {
    const reason = error instanceof Failure ? error.code : errnoOf(error)
    if (reason === undefined) throw error
    this.byReason[reason] = (this.byReason[reason] ?? 0) + 1
  }
}

/** Results of one target in one round. */
export interface Measurement {
  readonly latencies: Latencies
  /** From the first request to the last response. */
  readonly seconds: number
  /** How many connections failed, by reason. A failed connection is not opened again in this round. */
  readonly errors: Readonly<Record<string, number>>
}

interface Round {
  readonly durationMs: number
  readonly signal: AbortSignal
}

/** Opens the connections, measures for `durationMs`, closes them. Failures are counted, never thrown. */
export async function measure(
  target: Target,
  settings: Settings,
  ground: Ground,
  round: Round,
): Promise<Measurement> {
  const latencies = newLatencies()
  const errors = new ErrorCounts()
  const exchangers = await openAll(target, settings, ground, errors)
  const failed = (error: unknown) => errors.count(error)
  const load = { ...round, target, exchangers, failed, responded: (ms: number) => recordMs(latencies, ms) }
  const start = performance.now()
  await generate(load, settings)
  const seconds = (performance.now() - start) / 1_000
  for (const exchanger of exchangers) exchanger[Symbol.dispose]()
  return { latencies, errors: errors.byReason, seconds }
}

function generate(load: Load, { ratePerSecond }: Settings): Promise<void> {
  return ratePerSecond === null ? closedLoop(load) : constantRate(load, ratePerSecond)
}

/** Opened at a time. Few enough that no listen backlog overflows; opening is not measured. */
const OPEN_AT_ONCE = 100

async function openAll(
  target: Target,
  settings: Settings,
  ground: Ground,
  errors: ErrorCounts,
): Promise<Exchanger[]> {
  const open: Exchanger[] = []
  for (let remaining = settings.connections; remaining > 0; remaining -= OPEN_AT_ONCE) {
    const batch = Array.from({ length: Math.min(remaining, OPEN_AT_ONCE) }, () =>
      openExchanger(target, settings, ground),
    )
    for (const one of await Promise.allSettled(batch))
      if (one.status === 'fulfilled') open.push(one.value)
      else errors.count(one.reason)
  }
  return open
}

import { type Measurement, measure } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Ground, Target, TargetName } from './target.ts'

export interface Progress {
  readonly settings: Settings
  /** 0 is the warm-up. */
  readonly round: number
  readonly target: TargetName
}

/** Results of a run: one measurement per target and round. An interrupted round is left out. */
export interface RunResult {
  readonly settings: Settings
  readonly targets: readonly Target[]
  readonly measurements: ReadonlyMap<TargetName, readonly Measurement[]>
  readonly interrupted: boolean
}

/**
 * Warms each target up, then measures them in turn, round by round, so that other work on the machine affects all of them
 * alike. Each round starts with another target.
 */
export async function run(
  settings: Settings,
  ground: Ground,
  { signal, progress }: { signal: AbortSignal; progress: (step: Progress) => void },
): Promise<RunResult> {
  const targets = ground.targets(settings.protocol)
  const measurements = new Map(targets.map(({ name }): [TargetName, Measurement[]] => [name, []]))
  const one = (target: Target, round: number, durationMs: number) => {
    progress({ settings, round, target: target.name })
    return measure(target, settings, ground, { durationMs, signal })
  }
  const { warmupMs } = settings
  for (const target of targets) if (warmupMs > 0 && !signal.aborted) await one(target, 0, warmupMs)
  for (let round = 1; round <= settings.rounds && !signal.aborted; round++) {
    const results: [TargetName, Measurement][] = []
    for (const target of rotated(targets, round))
      if (!signal.aborted) results.push([target.name, await one(target, round, settings.roundMs)])
    if (!signal.aborted) for (const [name, result] of results) measurements.get(name)?.push(result)
  }
  return { settings, targets, measurements, interrupted: signal.aborted }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

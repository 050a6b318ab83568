import type { StressOptions } from './options.ts'
import type { Pool } from './pool.ts'
import type { Random } from './random.ts'
import type { Starter } from './starter.ts'
import type { Tally } from './tally.ts'
import type { WayName } from './ways.ts'

export interface Stage {
  /** A directory of the scenario, empty at first. */
  readonly directory: string
  /** The path that all starters want to own. */
  readonly path: string
  readonly pool: Pool
  readonly random: Random
  readonly options: StressOptions
  readonly tally: Tally
}

export interface Scenario {
  readonly name: string
  readonly claim: string
  readonly way: WayName
  /** The protocol must have no violations. The naive ways must have some: that shows that the harness detects them. */
  readonly expect: 'none' | 'some'
  readonly starters: (options: StressOptions) => number
  readonly rounds: (options: StressOptions) => number
  /** Runs one round, and adds what it finds to the tally. */
  readonly round: (stage: Stage) => Promise<void>
  readonly needsRoot?: true
}

export const START_AFTER_MS = 10

/** About the time that flock(1) takes. Starters that call flock(2) wait up to this, so that both kinds can be first. */
const HEAD_START_MS = 25

/** Returns times at which starters begin: a common time plus a random delay for each. */
export function startingTimes({ random, options }: Stage): (starter: Starter) => number {
  const base = Date.now() + START_AFTER_MS
  return ({ lock }) => base + random(options.jitterMs) + (lock === 'flock(2)' ? random(HEAD_START_MS) : 0)
}

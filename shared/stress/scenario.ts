import type { StressOptions } from './options.ts'
import type { Pool } from './pool.ts'
import type { Random } from './random.ts'
import type { Starter } from './starter.ts'
import type { Tally } from './tally.ts'
import type { WayName } from './ways.ts'

export interface Stage {
  /** A directory of its own, empty at first. */
  readonly directory: string
  /** The path that everybody wants. */
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
  /** Ours has to come out without a violation, the others with some: that shows that the harness can see them. */
  readonly expect: 'none' | 'some'
  readonly starters: (options: StressOptions) => number
  readonly rounds: (options: StressOptions) => number
  /** One round; what it finds goes to the tally. */
  readonly round: (stage: Stage) => Promise<void>
  readonly needsRoot?: true
}

export const START_AFTER_MS = 10

/** About how long a flock(1) takes; starters that call flock(2) wait up to this, so that both kinds can be first. */
const HEAD_START_MS = 25

/** A time at which all starters begin, each with a random delay of its own. */
export function startingTimes({ random, options }: Stage): (starter: Starter) => number {
  const base = Date.now() + START_AFTER_MS
  return ({ lock }) => base + random(options.jitterMs) + (lock === 'flock(2)' ? random(HEAD_START_MS) : 0)
}

import { chmod } from 'node:fs/promises'
import { tempDirectory } from '../src/testing/files.ts'
import type { StressOptions } from './options.ts'
import { Pool } from './pool.ts'
import { seededRandom } from './random.ts'
import type { Scenario } from './scenario.ts'
import { Tally } from './tally.ts'

/** How much longer than its rounds a naive way is tried until it fails. */
const SEARCH_MS = 60_000

export interface Result {
  readonly scenario: string
  readonly way: string
  readonly claim: string
  readonly starters: number
  readonly rounds: number
  readonly badRounds: number
  readonly violations: Tally['violations']
  readonly seen: Record<string, number>
  readonly seconds: number
  /** Whether the protocol had no violation, or a naive way had some. */
  readonly asExpected: boolean
  readonly error?: string
}

/** Runs all rounds of one scenario, in a directory and with processes of its own. */
export async function runScenario(scenario: Scenario, options: StressOptions): Promise<Result> {
  const tally = new Tally()
  const begin = performance.now()
  const starters = scenario.starters(options)
  let error: string | undefined
  try {
    await runRounds(scenario, options, tally, starters)
  } catch (cause) {
    tally.violation('hung')
    error = (cause as Error).message
  }
  return {
    scenario: scenario.name,
    way: scenario.way,
    claim: scenario.claim,
    starters,
    rounds: tally.rounds,
    badRounds: tally.badRounds,
    violations: tally.violations,
    seen: tally.seen,
    seconds: Math.round((performance.now() - begin) / 100) / 10,
    asExpected: error === undefined && (tally.total === 0) === (scenario.expect === 'none'),
    ...(error === undefined ? {} : { error }),
  }
}

async function runRounds(
  scenario: Scenario,
  options: StressOptions,
  tally: Tally,
  starters: number,
): Promise<void> {
  if (scenario.needsRoot && process.geteuid?.() !== 0)
    throw new Error('this scenario needs another user: run it as root')
  await using directory = await tempDirectory()
  await chmod(directory.path, 0o755)
  await using pool = await Pool.of(starters)
  const random = seededRandom(options.seed)
  const stage = { directory: directory.path, path: directory.at('s'), pool, random, options, tally }
  for (let round = scenario.rounds(options); round > 0; round--) await scenario.round(stage)
  // Whether a naive way fails depends on how the machine schedules its processes: it is repeated until it fails.
  const deadline = performance.now() + SEARCH_MS
  while (scenario.expect === 'some' && tally.total === 0 && performance.now() < deadline)
    await scenario.round(stage)
}

import { clear, judgeOwner, usualMode } from './judge.ts'
import { type Scenario, type Stage, startingTimes } from './scenario.ts'
import { leaveStaleFile } from './stale-file.ts'
import type { WayName } from './ways.ts'

/** N starters at once over a stale socket: one owns the path, the others fail with in_use. */
export function staleFile(way: WayName): Scenario {
  return {
    name: 'stale-file',
    claim: 'of N starters over a stale socket one owns the path, and the others know that they do not',
    way,
    expect: way === 'protocol' ? 'none' : 'some',
    starters: ({ starters }) => starters,
    rounds: ({ rounds }) => rounds,
    round: (stage) => round(stage, way),
  }
}

async function round(stage: Stage, way: WayName): Promise<void> {
  const { path, pool, tally } = stage
  await leaveStaleFile(path)
  const time = startingTimes(stage)
  const outcomes = await Promise.all(pool.all.map((s) => s.attempt({ path, way, atMs: time(s) })))
  for (const outcome of outcomes) tally.count(typeof outcome === 'string' ? outcome : outcome.refused)
  await judgeOwner(stage, usualMode(way))
  await clear(stage)
}

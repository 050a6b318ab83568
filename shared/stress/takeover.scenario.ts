import { judgeOwner } from './judge.ts'
import { Observer } from './observer.ts'
import { type Scenario, type Stage, startingTimes } from './scenario.ts'

const TAKEOVER = { onConflict: 'takeover' } as const

/** N starters take over a live incumbent at once. Each may own the path for a moment; the last one keeps it. */
export const concurrentTakeovers: Scenario = {
  name: 'concurrent-takeovers',
  claim: 'N takeovers at once of a live incumbent leave one owner, and no client sees a gap',
  way: 'protocol',
  expect: 'none',
  starters: ({ starters }) => starters + 1,
  rounds: ({ rounds }) => rounds,
  round,
}

async function round(stage: Stage): Promise<void> {
  const { path, pool, tally } = stage
  if (pool.owners.length === 0)
    await pool.all[0]?.attempt({ path, way: 'protocol', atMs: 0, options: TAKEOVER })
  await using observer = await Observer.of(path)
  await observer.during(() => takeOver(stage), tally)
  await judgeOwner(stage)
  tally.endRound()
}

async function takeOver(stage: Stage): Promise<void> {
  const { path, pool, tally } = stage
  const time = startingTimes(stage)
  const { idle } = pool
  const outcomes = await Promise.all(
    idle.map((s) => s.attempt({ path, way: 'protocol', atMs: time(s), options: TAKEOVER })),
  )
  for (const outcome of outcomes) tally.count(typeof outcome === 'string' ? outcome : outcome.refused)
  await pool.oneIsLeft()
}

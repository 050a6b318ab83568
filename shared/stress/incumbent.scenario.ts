import { lstatIfAny } from '../src/bind/identity.ts'
import { clear, judgeOwner, usualMode } from './judge.ts'
import { Observer } from './observer.ts'
import { type Scenario, type Stage, startingTimes } from './scenario.ts'
import type { WayName } from './ways.ts'

/** Starters attack a live incumbent. It keeps its path, and every client is served. */
export function attackedIncumbent(way: WayName): Scenario {
  return {
    name: 'attacked-incumbent',
    claim: 'no start displaces a live incumbent, and every client of it is served',
    way,
    expect: way === 'protocol' ? 'none' : 'some',
    starters: ({ starters }) => starters + 1,
    rounds: ({ rounds }) => Math.ceil(rounds / 4),
    round: (stage) => round(stage, way),
  }
}

async function round(stage: Stage, way: WayName): Promise<void> {
  const { path, pool, tally } = stage
  const onConflict = tally.rounds % 2 === 0 ? 'refuse' : 'takeover'
  await pool.all[0]?.attempt({ path, way, atMs: 0, options: way === 'protocol' ? { onConflict } : {} })
  const before = (await lstatIfAny(path))?.ino
  await using observer = await Observer.of(path, usualMode(way))
  await observer.during(() => attack(stage, way), tally)
  if ((await lstatIfAny(path))?.ino !== before) tally.violation('incumbent_displaced')
  if (way === 'protocol') await judgeOwner(stage)
  await clear(stage)
}

async function attack(stage: Stage, way: WayName): Promise<void> {
  const { path, pool, tally } = stage
  const time = startingTimes(stage)
  const outcomes = await Promise.all(pool.idle.map((s) => s.attempt({ path, way, atMs: time(s) })))
  for (const outcome of outcomes) tally.count(typeof outcome === 'string' ? outcome : outcome.refused)
}

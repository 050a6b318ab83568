import { setTimeout as pause } from 'node:timers/promises'
import { clear, judgeOwner, textAt } from './judge.ts'
import { type Scenario, START_AFTER_MS, type Stage, startingTimes } from './scenario.ts'
import { leaveStaleFile } from './stale-file.ts'
import type { Starter } from './starter.ts'

const VICTIMS = 0.2
/** About as long as all starts of a round take. */
const SPREAD_MS = 120

/** Starters over a stale socket, of which every fifth is killed at a random moment. The others can start, and nothing is left behind. */
export function killedStarters(onConflict: 'refuse' | 'takeover'): Scenario {
  return {
    name: onConflict === 'refuse' ? 'killed-starters' : 'killed-takeovers',
    claim: 'SIGKILLs at random moments never cause two owners, nor a path that nobody can own again',
    way: 'protocol',
    expect: 'none',
    starters: ({ starters }) => starters,
    rounds: ({ rounds }) => rounds,
    round: (stage) => round(stage, onConflict),
  }
}

async function round(stage: Stage, onConflict: 'refuse' | 'takeover'): Promise<void> {
  const { path, pool, random, tally } = stage
  await leaveStaleFile(path)
  const victims = pool.all.filter(() => random(1) < VICTIMS)
  const time = startingTimes(stage)
  const attempts = pool.all.map((s) =>
    s.attempt({ path, way: 'protocol', atMs: time(s), options: { onConflict } }),
  )
  await Promise.all(victims.map((victim) => killAfter(victim, START_AFTER_MS + random(SPREAD_MS))))
  for (const outcome of await Promise.all(attempts))
    tally.count(typeof outcome === 'string' ? outcome : outcome.refused)
  tally.count('sigkills', victims.length)
  await Promise.all(victims.map((victim) => pool.replace(victim)))
  await pool.oneIsLeft()
  await learnsOfTheDead(stage)
  if (pool.owners.length === 0) await recover(stage, onConflict)
  await judgeOwner(stage)
  await clear(stage)
}

async function killAfter(victim: Starter, ms: number): Promise<void> {
  await pause(ms)
  await victim.kill()
}

/**
 * A victim may have been the last to take over. The server that it replaced still believes that it owns the path. It must
 * notice the other socket at the path, and end.
 */
async function learnsOfTheDead({ path, pool }: Stage): Promise<void> {
  const [owner] = pool.owners
  if (owner !== undefined && (await textAt(path)) !== String(owner.pid)) await owner.ended()
}

/** The holder of the lock, or the last to take over, was killed: the next start must succeed. */
async function recover({ path, pool, tally }: Stage, onConflict: 'refuse' | 'takeover'): Promise<void> {
  tally.count('recoveries')
  await pool.idle[0]?.attempt({ path, way: 'protocol', atMs: 0, options: { onConflict } })
}

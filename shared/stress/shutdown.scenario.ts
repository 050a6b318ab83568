import { judgeOwner } from './judge.ts'
import { type Scenario, type Stage, startingTimes } from './scenario.ts'

const TAKEOVER = { onConflict: 'takeover' } as const

/** The incumbent shuts down while its successor takes over. In any order, the successor's socket stays. */
export const shutdownRacesTakeover: Scenario = {
  name: 'shutdown-races-takeover',
  claim: "a shutdown that races a takeover never removes the successor's socket",
  way: 'protocol',
  expect: 'none',
  starters: () => 2,
  rounds: ({ rounds }) => rounds,
  round,
}

async function round(stage: Stage): Promise<void> {
  const { path, pool, tally, random, options } = stage
  if (pool.owners.length === 0)
    await pool.all[0]?.attempt({ path, way: 'protocol', atMs: 0, options: TAKEOVER })
  const [incumbent] = pool.owners
  const [successor] = pool.idle
  const attempt = successor?.attempt({
    path,
    way: 'protocol',
    atMs: startingTimes(stage)(successor),
    options: TAKEOVER,
  })
  const stopped = incumbent?.stop(random(options.jitterMs * 2 + 30))
  const outcome = await attempt
  await stopped
  tally.count(typeof outcome === 'string' ? outcome : (outcome?.refused ?? 'nothing'))
  await judgeOwner(stage)
  tally.endRound()
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { clear } from './judge.ts'
import type { Scenario, Stage } from './scenario.ts'
import type { Step } from './starter-process.ts'
import type { Tally } from './tally.ts'
import type { WayName } from './ways.ts'
import { within } from './within.ts'

const MODULE = new URL('./intruder-process.ts', import.meta.url)
const STRANGER = 10_003
const PATIENCE_MS = 30_000
/** More than one, because the first may have begun before the step. */
const ENOUGH_TRIES = 3

/**
 * A user outside the group connects in a loop while servers start under umask 0, and never gets a connection. Each start
 * stops before it changes a mode and before it publishes, until the user has tried.
 */
export function intruder(way: WayName): Scenario {
  let stranger: ChildProcess | undefined
  return {
    name: 'intruder',
    claim: 'a user outside the group never gets a connection, however often a server starts',
    way,
    expect: way === 'protocol' ? 'none' : 'some',
    needsRoot: true,
    starters: () => 1,
    rounds: ({ rounds }) => rounds,
    round: async (stage) => {
      stranger ??= await enter(stage.path)
      await round(stage, way, stranger)
    },
  }
}

async function round(stage: Stage, way: WayName, stranger: ChildProcess): Promise<void> {
  const { path, pool, tally } = stage
  const atStep = async (step: Step) => {
    tally.count(`stops before ${step}`)
    await untilTried(tally, stranger)
  }
  await pool.all[0]?.attempt({ path, way, atMs: 0, options: { mode: 0o660 }, umask: 0, atStep })
  await untilTried(tally, stranger)
  await clear(stage)
}

/** Resolves when the user has made at least one complete try. */
async function untilTried(tally: Tally, stranger: ChildProcess): Promise<void> {
  await triesOf(tally, stranger)
  for (let tries = 0; tries < ENOUGH_TRIES; ) tries += await triesOf(tally, stranger)
}

/** How often the user tried since the last report. */
async function triesOf(tally: Tally, stranger: ChildProcess): Promise<number> {
  const report = once(stranger, 'message')
  stranger.send('report')
  const [{ tries, intrusions }] = await within(PATIENCE_MS, 'the intruder reports', report)
  tally.count('tries', tries)
  tally.violation('intrusion', intrusions)
  return tries
}

/** Starts the user's process. It ends with the harness, when the channel closes. */
async function enter(path: string): Promise<ChildProcess> {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
  const stranger = fork(MODULE, [path], { stdio: [...stdio], uid: STRANGER, gid: STRANGER })
  await within(PATIENCE_MS, 'the intruder is ready', once(stranger, 'message'))
  stranger.unref()
  stranger.channel?.unref()
  return stranger
}

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { clear } from './judge.ts'
import type { Scenario, Stage } from './scenario.ts'
import type { WayName } from './ways.ts'
import { within } from './within.ts'

const MODULE = new URL('./intruder-process.ts', import.meta.url)
const STRANGER = 10_003
const PATIENCE_MS = 30_000

/** Somebody outside the group connects in a loop while servers start under umask 0: at no moment does one let him in. */
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
  await pool.all[0]?.attempt({ path, way, atMs: 0, options: { mode: 0o660 }, umask: 0 })
  const answer = once(stranger, 'message')
  stranger.send('report')
  const [{ tries, intrusions }] = await within(PATIENCE_MS, 'the intruder reports', answer)
  tally.count('tries', tries)
  tally.violation('intrusion', intrusions)
  await clear(stage)
}

/** It ends when the harness does, with the channel. */
async function enter(path: string): Promise<ChildProcess> {
  const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
  const stranger = fork(MODULE, [path], { stdio: [...stdio], uid: STRANGER, gid: STRANGER })
  await within(PATIENCE_MS, 'the intruder is ready', once(stranger, 'message'))
  stranger.unref()
  stranger.channel?.unref()
  return stranger
}

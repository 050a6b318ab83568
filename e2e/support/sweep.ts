import assert from 'node:assert/strict'
import { engine } from './engine.ts'
import { eventually } from './eventually.ts'
import { madeByRun } from './made-by-run.ts'
import { sweepTemporaryDirectories } from './temporary-directory.ts'

const SWEEP_TIMEOUT_MS = 60_000

/**
 * Removes every container, network and volume that a run made, until the engine has none left, and its directories.
 * @param run default: of every run, also of those that are under way
 */
export async function sweep(run?: string): Promise<void> {
  // A command that was interrupted may still be making something.
  await eventually(async () => assert.equal(await sweepOnce(run), 0, 'there is still something left'), {
    withinMs: SWEEP_TIMEOUT_MS,
  })
  await sweepTemporaryDirectories(run)
}

async function sweepOnce(run?: string): Promise<number> {
  const { containers, networks, volumes } = await madeByRun(run)
  await removeAll(containers.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })))
  await removeAll(networks.map(({ Id }) => engine.getNetwork(Id).remove()))
  await removeAll(volumes.map(({ Name }) => engine.getVolume(Name).remove()))
  return containers.length + networks.length + volumes.length
}

const GONE = 404
const IN_PROGRESS = 409

/** What somebody else is removing at this moment is looked at again in the next round. */
async function removeAll(removals: Promise<unknown>[]): Promise<void> {
  for (const { reason } of (await Promise.allSettled(removals)).filter((r) => r.status === 'rejected')) {
    if (reason.statusCode !== GONE && reason.statusCode !== IN_PROGRESS) throw reason
  }
}

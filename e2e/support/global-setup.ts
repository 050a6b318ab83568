import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventuallyPasses } from '@uds-sidecar/shared/testing/waiting'
import { madeByRun, remove } from './leftovers.ts'
import { PROJECT_PREFIX, projectPrefix, runId } from './run.ts'

/** For the run as a whole; its test processes inherit the environment. */
export function globalSetup(): void {
  process.env.UDS_E2E_RUN ??= randomBytes(4).toString('hex')
}

/** Also after a failure and after SIGINT. */
export async function globalTeardown(): Promise<void> {
  await sweep(runId())
}

const SWEEP_TIMEOUT_MS = 60_000

/**
 * Removes every container, network and volume that a run made, until the engine has none left, and its directories.
 * @param run default: of every run, also of those that are under way
 */
async function sweep(run?: string): Promise<void> {
  // A command that was interrupted may still be making something.
  await eventuallyPasses(
    async () => assert.equal(await remove(await madeByRun(run)), 0, 'there is still something left'),
    { withinMs: SWEEP_TIMEOUT_MS },
  )
  const prefix = run === undefined ? PROJECT_PREFIX : projectPrefix(run)
  for (const name of await readdir(tmpdir()))
    if (name.startsWith(prefix)) await rm(join(tmpdir(), name), { recursive: true, force: true })
}

// `npm run sweep`: for what is left of runs that were killed and could not clean up.
if (import.meta.main) await sweep()

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PROJECT_PREFIX, projectPrefix } from './run-id.ts'

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string
}

/** A new directory on this machine, removed with all it holds. */
export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), projectPrefix()))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Removes what tests of a run that were interrupted have left. @param run default: of every run */
export async function sweepTemporaryDirectories(run?: string): Promise<void> {
  const prefix = run === undefined ? PROJECT_PREFIX : projectPrefix(run)
  for (const name of await readdir(tmpdir()))
    if (name.startsWith(prefix)) await rm(join(tmpdir(), name), { recursive: true, force: true })
}

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { projectPrefix } from './run-id.ts'

export interface TemporaryDirectory extends AsyncDisposable {
  readonly path: string
}

/** A new directory on this machine, removed with all it holds. */
export async function temporaryDirectory(): Promise<TemporaryDirectory> {
  const path = await mkdtemp(join(tmpdir(), projectPrefix()))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Removes what tests of this run that were interrupted have left. */
export async function sweepTemporaryDirectories(): Promise<void> {
  for (const name of await readdir(tmpdir()))
    if (name.startsWith(projectPrefix())) await rm(join(tmpdir(), name), { recursive: true, force: true })
}

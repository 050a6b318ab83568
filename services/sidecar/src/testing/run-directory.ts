import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface RunDirectory extends AsyncDisposable {
  readonly path: string
}

/** A private directory for the sockets of one test, removed afterwards. */
export async function runDirectory(): Promise<RunDirectory> {
  const path = await mkdtemp(join(tmpdir(), 'sc-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TempDirectory extends AsyncDisposable {
  readonly path: string
  /** A path in the directory. */
  at(name: string): string
}

/** A directory of its own for one test, removed at its end; anybody may enter and look (0755). */
export async function tempDirectory(prefix = 'uds-'): Promise<TempDirectory> {
  const path = await mkdtemp(join(tmpdir(), prefix))
  await chmod(path, 0o755)
  return {
    path,
    at: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  }
}

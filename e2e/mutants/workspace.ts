import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { REPOSITORY } from '../support/run.ts'

export interface Workspace extends AsyncDisposable {
  readonly path: string
}

/** A copy of the repository as it stands, new files included, that may be broken at will. */
export async function copyRepository(): Promise<Workspace> {
  const path = await mkdtemp(join(tmpdir(), 'uds-mutants-'))
  await chmod(path, 0o755) // some unit tests run parts of themselves as nobody
  const workspace = { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
  for (const file of await repositoryFiles()) await copyInto(path, file)
  await linkDependencies(path)
  return workspace
}

async function repositoryFiles(): Promise<string[]> {
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const { stdout } = await promisify(execFile)('git', list, { cwd: REPOSITORY, maxBuffer: 2 ** 24 })
  const deleted = await promisify(execFile)('git', ['ls-files', '-z', '--deleted'], { cwd: REPOSITORY })
  const gone = new Set(deleted.stdout.split('\0'))
  return stdout.split('\0').filter((file) => file !== '' && !gone.has(file))
}

async function copyInto(path: string, file: string): Promise<void> {
  await mkdir(dirname(join(path, file)), { recursive: true })
  await cp(join(REPOSITORY, file), join(path, file))
}

/** Dependencies are shared; the workspaces' own packages must be those of the copy. */
async function linkDependencies(path: string): Promise<void> {
  const [from, to] = [join(REPOSITORY, 'node_modules'), join(path, 'node_modules')]
  await mkdir(to)
  for (const name of await readdir(from))
    if (name !== '@uds-sidecar') await symlink(join(from, name), join(to, name))
  await cp(join(from, '@uds-sidecar'), join(to, '@uds-sidecar'), { recursive: true, verbatimSymlinks: true })
  await cp(join(REPOSITORY, '.toolchain/images.env'), join(path, '.toolchain/images.env'))
}

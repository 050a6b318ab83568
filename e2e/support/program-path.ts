import { existsSync } from 'node:fs'
import { symlink } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { type TemporaryDirectory, temporaryDirectory } from './temporary-directory.ts'

/** A directory that is enough as PATH for programs that need these and nothing else. */
export async function pathOfOnly(...programs: string[]): Promise<TemporaryDirectory> {
  const directory = await temporaryDirectory()
  for (const program of programs) await symlink(find(program), join(directory.path, program))
  return directory
}

function find(program: string): string {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, program))
  const found = candidates.find((path) => existsSync(path))
  if (found === undefined) throw new Error(`there is no ${program} in PATH`)
  return found
}

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mutant } from './mutant.ts'
import type { Workspace } from './workspace.ts'

/** Breaks the copy; disposing of it mends it again. */
export async function breakIt(
  workspace: Workspace,
  { name, file, find, replace }: Mutant,
): Promise<AsyncDisposable> {
  const path = join(workspace.path, file)
  const text = await readFile(path, 'utf8')
  const places = text.split(find).length - 1
  if (places !== 1) throw new Error(`mutant "${name}": its text stands ${places} times in ${file}`)
  await writeFile(
    path,
    text.replace(find, () => replace),
  )
  return { [Symbol.asyncDispose]: () => writeFile(path, text) }
}

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mutant } from './mutant.ts'
import type { Workspace } from './workspace.ts'

/** Breaks the copy; disposing of it mends it again. */
export async function breakIt(workspace: Workspace, mutant: Mutant): Promise<AsyncDisposable> {
  const path = join(workspace.path, mutant.file)
  const text = await readFile(path, 'utf8')
  await writeFile(
    path,
    text.replace(mutant.find, () => mutant.replace),
  )
  return { [Symbol.asyncDispose]: () => writeFile(path, text) }
}

/** What keeps a mutant from being what it was meant to be, since the product has changed. */
export async function staleness({ path: root }: Pick<Workspace, 'path'>, mutant: Mutant): Promise<string[]> {
  const { name, file, find, killers } = mutant
  const gone = [file, ...killers].filter((path) => !existsSync(join(root, path)))
  if (gone.length > 0) return [`${name}: there is no ${gone.join(', ')}`]
  const places = (await readFile(join(root, file), 'utf8')).split(find).length - 1
  return places === 1 ? [] : [`${name}: its text stands ${places} times in ${file}`]
}

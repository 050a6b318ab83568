import { breakIt } from './break.ts'
import type { Images } from './images.ts'
import type { Mutant } from './mutant.ts'
import { failuresOf } from './run-tests.ts'
import type { Workspace } from './workspace.ts'

/** Lets the tests loose on a mutant. @returns the first test that failed; undefined: it survived */
export async function judge(
  mutant: Mutant,
  workspace: Workspace,
  images: Images,
): Promise<string | undefined> {
  await using _broken = await breakIt(workspace, mutant)
  if (mutant.killers.some((file) => file.startsWith('e2e/'))) await images.rebuild(mutant.file)
  const [first] = await failuresOf(workspace, mutant.killers, images.tag)
  return first
}

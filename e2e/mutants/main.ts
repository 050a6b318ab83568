import { untilSignal } from '@uds-sidecar/shared/lifecycle/run-main'
import { staleness } from './break.ts'
import { Images } from './images.ts'
import { judge } from './judge.ts'
import type { Mutant } from './mutant.ts'
import { MUTANTS } from './mutants.ts'
import { failuresOf } from './run-tests.ts'
import { copyRepository, type Workspace } from './workspace.ts'

/** `npm run mutants [-- WORD...]`: breaks a copy of the repository, once for each mutant whose name has a WORD. */
async function main(words: readonly string[]): Promise<number> {
  const mutants = MUTANTS.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  )
  const stop = untilSignal()
  await using workspace = await copyRepository()
  await refuseStale(mutants, workspace)
  await using images = await Images.build(workspace)
  await refuseRed(mutants, workspace, images)
  let survivors = 0
  for (const mutant of mutants) {
    if (stop.aborted) return 1
    const killer = await judge(mutant, workspace, images)
    if (killer === undefined) survivors += 1
    say(killer === undefined ? `SURVIVED  ${mutant.name}` : `killed    ${mutant.name}  by: ${killer}`)
  }
  say(`${mutants.length} mutants, ${survivors} survived`)
  return survivors === 0 ? 0 : 1
}

async function refuseStale(mutants: readonly Mutant[], workspace: Workspace): Promise<void> {
  const stale = (await Promise.all(mutants.map((mutant) => staleness(workspace, mutant)))).flat()
  if (stale.length > 0) throw new Error(`mutants that do not apply any more:\n${stale.join('\n')}`)
}

/** A test that is red anyway kills nothing. */
async function refuseRed(mutants: readonly Mutant[], workspace: Workspace, { tag }: Images): Promise<void> {
  const killers = new Set(mutants.flatMap(({ killers }) => killers))
  const red = await failuresOf(workspace, [...killers], tag)
  if (red.length > 0) throw new Error(`red before anything was broken:\n${red.join('\n')}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

process.exitCode = await main(process.argv.slice(2))

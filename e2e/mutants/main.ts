import { untilSignal } from '@uds-sidecar/shared/lifecycle/until-signal'
import { Images } from './images.ts'
import { judge } from './judge.ts'
import { MUTANTS } from './mutants.ts'
import { failuresOf } from './run-tests.ts'
import { copyRepository } from './workspace.ts'

/** `npm run mutants [-- WORD...]`: breaks a copy of the repository, once for each mutant whose name has a WORD. */
async function main(): Promise<void> {
  const words = process.argv.slice(2)
  const mutants = MUTANTS.filter(
    ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
  )
  const stop = untilSignal()
  await using workspace = await copyRepository()
  await using images = await Images.build(workspace)
  const before = await failuresOf(
    workspace,
    [...new Set(mutants.flatMap(({ killers }) => killers))],
    images.tag,
  )
  if (before.length > 0) throw new Error(`red before anything was broken: ${before.join(', ')}`)

  const survivors: string[] = []
  for (const mutant of mutants) {
    if (stop.aborted) break
    const killedBy = await judge(mutant, workspace, images)
    process.stdout.write(
      `${killedBy ? 'killed  ' : 'SURVIVED'}  ${mutant.name}${killedBy ? `  by: ${killedBy}` : ''}\n`,
    )
    if (killedBy === undefined) survivors.push(mutant.name)
  }
  process.stdout.write(`${mutants.length} mutants, ${survivors.length} survived\n`)
  process.exitCode = survivors.length === 0 && !stop.aborted ? 0 : 1
}

await main()

import { EXIT } from '../src/failure/failures.ts'
import { parseOptions, type StressOptions, USAGE } from './options.ts'
import { runScenario } from './run-scenario.ts'
import { scenarios } from './scenarios.ts'

/**
 * Attacks the bind protocol with many real processes and counts what must not happen; JSON on stdout, progress on
 * stderr. Exits 0 if ours comes out without a violation and the naive ways do not, else 1.
 */
async function main(options: StressOptions): Promise<void> {
  const results = []
  for (const scenario of scenarios()) {
    if (options.only.length > 0 && !options.only.includes(scenario.name)) continue
    const result = await runScenario(scenario, options)
    const found = JSON.stringify(result.violations)
    process.stderr.write(
      `${result.asExpected ? 'ok ' : 'BAD'} ${result.scenario} (${result.way}): ${result.rounds} rounds, violations ${found}, ${result.seconds} s ${result.error ?? ''}\n`,
    )
    results.push(result)
  }
  const asExpected = results.every((result) => result.asExpected)
  process.stdout.write(
    `${JSON.stringify({ node: process.version, options, asExpected, results }, null, 2)}\n`,
  )
  process.exitCode = asExpected ? 0 : 1
}

try {
  await main(parseOptions(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`stress: ${(error as Error).message}\n${USAGE}\n`)
  process.exitCode = EXIT.usage
}

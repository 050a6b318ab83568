import { EXIT } from '../src/failure/failures.ts'
import { attackedIncumbent } from './incumbent.scenario.ts'
import { intruder } from './intruder.scenario.ts'
import { killedStarters } from './killed-starters.scenario.ts'
import { takeoverUnderLoad } from './load.scenario.ts'
import { parseOptions, type StressOptions, USAGE } from './options.ts'
import { runScenario } from './run-scenario.ts'
import type { Scenario } from './scenario.ts'
import { shutdownRacesTakeover } from './shutdown.scenario.ts'
import { staleFile } from './stale-file.scenario.ts'
import { concurrentTakeovers } from './takeover.scenario.ts'

/** Each scenario of the protocol beside the naive ways: those must fail, or the harness detects nothing. */
function scenarios(): Scenario[] {
  return [
    staleFile('protocol'),
    staleFile('unlink-listen'),
    staleFile('probe-unlink-listen'),
    killedStarters('refuse'),
    killedStarters('takeover'),
    concurrentTakeovers,
    shutdownRacesTakeover,
    attackedIncumbent('protocol'),
    attackedIncumbent('unlink-listen'),
    intruder('protocol'),
    intruder('listen-chmod'),
    takeoverUnderLoad(),
  ]
}

/**
 * Attacks the bind protocol with many real processes and counts violations. Writes JSON to stdout and progress to stderr.
 * Exits 0 if the protocol has no violation and each naive way has some, else 1.
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

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { attackedIncumbent } from './incumbent.scenario.ts'
import { killedStarters } from './killed-starters.scenario.ts'
import { takeoverUnderLoad } from './load.scenario.ts'
import { parseOptions } from './options.ts'
import { seededRandom } from './random.ts'
import { runScenario } from './run-scenario.ts'
import { shutdownRacesTakeover } from './shutdown.scenario.ts'
import { staleFile } from './stale-file.scenario.ts'
import { concurrentTakeovers } from './takeover.scenario.ts'

// A short form of `npm run stress`. The scenario that needs another user is in shared/test-as-root.
const SHORT = { starters: 6, rounds: 4, jitterMs: 5, seed: 1, only: [] }

describe('the bind protocol under stress', () => {
  for (const scenario of [
    staleFile('protocol'),
    killedStarters('refuse'),
    killedStarters('takeover'),
    concurrentTakeovers,
    shutdownRacesTakeover,
    attackedIncumbent('protocol'),
    takeoverUnderLoad(),
  ]) {
    it(`${scenario.name}: ${scenario.claim}`, async () => {
      const { violations, error, rounds } = await runScenario(scenario, SHORT)
      assert.deepEqual({ violations, error }, { violations: {}, error: undefined })
      assert.ok(rounds > 0)
    })
  }
})

describe('the same harness', () => {
  for (const scenario of [staleFile('unlink-listen'), attackedIncumbent('unlink-listen')]) {
    it(`pointed at ${scenario.way} (${scenario.name}), finds violations`, async () => {
      const { asExpected, violations } = await runScenario(scenario, SHORT)
      assert.ok(asExpected)
      assert.notDeepEqual(violations, {})
    })
  }
})

describe('the options of the harness', () => {
  it('that are valid, are read', () => {
    const args = ['--starters', '5', '--rounds', '7', '--jitter-ms', '0', '--seed', '9', '--only', 'intruder']
    assert.deepEqual(parseOptions(args), { starters: 5, rounds: 7, jitterMs: 0, seed: 9, only: ['intruder'] })
  })

  for (const args of [['--rounds', '0'], ['--rounds', 'many'], ['--starters', '101'], ['--what'], ['more']]) {
    it(`${args.join(' ')}, are refused`, () => assert.throws(() => parseOptions(args)))
  }

  it('with one seed, give the same delays', () => {
    const [a, b] = [seededRandom(4), seededRandom(4)]
    const numbers = Array.from({ length: 1_000 }, () => a(10))
    assert.deepEqual(
      numbers,
      Array.from({ length: 1_000 }, () => b(10)),
    )
    assert.ok(numbers.every((n) => n >= 0 && n < 10) && new Set(numbers.map(Math.floor)).size === 10)
  })
})

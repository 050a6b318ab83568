import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { splitViolations, violationsOf } from './check-request.ts'
import { responseViolations } from './check-response.ts'
import { generateRequests } from './generate-request.ts'
import { generateResponse } from './generate-response.ts'
import { Random } from './random.ts'

/**
 * Differential fuzzing: Node's own parser, strict and lenient, must read everything that the relay forwards as the same
 * message. More cases, or the same again:
 * `FUZZ_CASES=1000000 FUZZ_SEED=1 node --test services/sidecar/src/testing/fuzz/fuzz.test.ts`
 */
const CASES = Number(process.env.FUZZ_CASES ?? 20_000)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)

/** Runs `check` on generated inputs. The message of the first failure has the seed and the input. */
function fuzz(
  generate: (random: Random) => string,
  check: (input: Buffer, random: Random) => string[],
): void {
  const random = new Random(SEED)
  for (let left = CASES; left > 0; left--) {
    const text = generate(random)
    const violations = check(Buffer.from(text, 'latin1'), random)
    assert.deepEqual(violations, [], `FUZZ_SEED=${SEED}, case ${CASES - left}: ${JSON.stringify(text)}`)
  }
}

function cut(input: Buffer, random: Random): number {
  return random.below(input.length + 1)
}

describe(`in ${CASES} generated cases (FUZZ_SEED=${SEED})`, () => {
  it('llhttp reads every forwarded request as the relay read it', () => {
    fuzz(generateRequests, violationsOf)
  })

  it('every request head is read the same, wherever it is split', () => {
    fuzz(generateRequests, (input, random) =>
      random.chance(50)
        ? Array.from(input, (_, at) => splitViolations(input, at)).flat()
        : splitViolations(input, cut(input, random)),
    )
  })

  it('llhttp reads every forwarded response as the relay read it, in whatever pieces it came', () => {
    fuzz(generateResponse, (input, random) => {
      const cuts = [cut(input, random), cut(input, random), cut(input, random)].sort((a, b) => a - b)
      return responseViolations(input, random.pick(['GET', 'GET', 'GET', 'HEAD']), cuts)
    })
  })
})

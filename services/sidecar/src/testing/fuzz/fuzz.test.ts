import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { splitViolations, violationsOf } from './check-request.ts'
import { responseViolations } from './check-response.ts'
import { generateRequests } from './generate-request.ts'
import { generateResponse } from './generate-response.ts'
import { Random } from './random.ts'

/**
 * Whatever is forwarded, Node's own parser reads as the same one message, strictly and at its most forgiving.
 * `FUZZ_CASES=1000000 FUZZ_SEED=1 node --test services/sidecar/src/testing/fuzz/fuzz.test.ts` for more, or for the same again.
 */
const CASES = Number(process.env.FUZZ_CASES ?? 20_000)
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000_000)

/** Runs `check` on generated inputs; the first violation is told with all that it takes to see it again. */
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

describe(`of ${CASES} cases from seed ${SEED}`, () => {
  it('every request that is forwarded is read by the oracle as the relay read it', () => {
    fuzz(generateRequests, violationsOf)
  })

  it('every request head is read alike at whatever byte it is split', () => {
    fuzz(generateRequests, (input, random) =>
      random.chance(50)
        ? Array.from(input, (_, at) => splitViolations(input, at)).flat()
        : splitViolations(input, cut(input, random)),
    )
  })

  it('every response that is forwarded is read by the oracle as the relay read it, in whatever pieces it came', () => {
    fuzz(generateResponse, (input, random) => {
      const cuts = [cut(input, random), cut(input, random), cut(input, random)].sort((a, b) => a - b)
      return responseViolations(input, random.pick(['GET', 'GET', 'GET', 'HEAD']), cuts)
    })
  })
})

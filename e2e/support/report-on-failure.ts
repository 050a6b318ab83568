import { after, type TestContext } from 'node:test'

const STRAGGLER_MS = 5_000

// A test that ran out of time may still hold a connection open, and the runner would wait for its file for ever.
// (Its --test-force-exit is no way out: with that a run that is interrupted ends before its teardown.)
after(() => void setTimeout(() => process.exit(), STRAGGLER_MS).unref())

/**
 * Prints what `examine` tells of a test's resources if the test, or one of its subtests, fails. They are examined while
 * they still stand: at once when a subtest has failed; before they are disposed of, which comes before the outcome is
 * known and so in any case; and when the test is over, if it ran out of time and nothing was disposed of.
 * @returns to be called when they are about to be disposed of
 */
export function reportOnFailure(t: TestContext, examine: () => Promise<string>): () => Promise<void> {
  const left: string[] = []
  let failed = false
  let isGone = false
  const look = async () => void left.push(await examine().catch(String))
  t.afterEach(async (subtest) => {
    if (isGone || ('passed' in subtest && subtest.passed)) return
    failed = true
    await look()
  })
  t.after(async () => {
    if (t.passed && !failed) return
    if (!isGone) await look()
    process.stderr.write(`\n${t.name} failed; it left:\n${left.join('\n')}\n`)
  })
  return async () => {
    await look()
    isGone = true
  }
}

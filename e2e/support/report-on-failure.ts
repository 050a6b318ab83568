import type { TestContext } from 'node:test'

/**
 * Prints what is left with the returned function if the test, or one of its subtests, fails. A test's resources are
 * disposed of before its outcome is known, so they leave their last words in any case.
 * @param examine asked at once when a subtest has failed, while everything still stands
 */
export function reportOnFailure(t: TestContext, examine?: () => Promise<string>): (words: string) => void {
  const left: string[] = []
  let failed = false
  t.afterEach(async (subtest) => {
    if ('passed' in subtest && subtest.passed) return
    failed = true
    if (examine !== undefined) left.push(await examine())
  })
  t.after(() => {
    if (failed || !t.passed) process.stderr.write(`\n${t.name} failed; it left:\n${left.join('\n')}\n`)
  })
  return (words) => left.push(words)
}

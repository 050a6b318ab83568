import type { TestContext } from 'node:test'

/**
 * Prints what is left with the returned function if the test, or one of its subtests, fails. A test's resources are
 * disposed of before its outcome is known, so they leave their last words in any case.
 */
export function reportOnFailure(t: TestContext): (words: string) => void {
  const left: string[] = []
  let failed = false
  const notice = (context: { passed?: boolean }) => {
    failed ||= context.passed === false
  }
  t.afterEach((subtest) => notice(subtest))
  t.after(() => {
    notice(t)
    if (failed) process.stderr.write(`\n${t.name} failed; it left:\n${left.join('\n')}\n`)
  })
  return (words) => left.push(words)
}

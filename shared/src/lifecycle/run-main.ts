import { EXIT } from '../failure/exit-codes.ts'
import { Failure } from '../failure/failure.ts'
import { visibleLines } from '../text/visible.ts'

/**
 * Runs a program and turns what it throws into one message on stderr and the exit code that says why.
 * The process then ends by itself once nothing is left to do.
 */
export async function runMain(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    process.exitCode = error instanceof Failure ? error.exitCode : EXIT.internal
    process.stderr.write(visibleLines(`${name}: ${describe(error)}\n`))
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Failure))
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  const errno = error.errno === undefined ? '' : ` (${error.errno})`
  return `${error.code}: ${error.message}${errno}\n  hint: ${error.hint}`
}

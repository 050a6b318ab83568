import { CodedError } from '../failure/failure.ts'
import { EXIT } from '../failure/failures.ts'
import { visibleLines } from '../text/visible.ts'

/** The signals that ask a process to end, and the number a shell adds to 128 when one of them ended it. */
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * Aborts at the first SIGTERM or SIGINT, with the signal's name as reason; a second one ends the process at once
 * with 128 + its number, as a shell reports it. Without this a Node that is PID 1 ignores SIGTERM.
 */
export function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(128 + SIGNAL_NUMBERS[name])
      controller.abort(name)
    })
  }
  return controller.signal
}

/**
 * Runs a program and turns what it throws into one message on stderr and the exit code that says why.
 * The process then ends by itself once nothing is left to do.
 */
export async function runMain(name: string, main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    process.exitCode = error instanceof CodedError ? error.exitCode : EXIT.internal
    process.stderr.write(visibleLines(`${name}: ${describe(error)}\n`))
  }
}

function describe(error: unknown): string {
  if (!(error instanceof CodedError))
    return error instanceof Error ? (error.stack ?? error.message) : String(error)
  const errno = error.errno === undefined ? '' : ` (${error.errno})`
  return `${error.code}: ${error.message}${errno}\n  hint: ${error.hint}`
}

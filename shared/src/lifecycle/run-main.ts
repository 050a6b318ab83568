import { CodedError } from '../failure/failure.ts'
import { EXIT } from '../failure/failures.ts'
import { visibleLines } from '../text/visible.ts'

/** The signals that ask a process to end, and their numbers. */
const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * A signal that aborts at the first SIGTERM or SIGINT, with the name of that one as its reason. A second one ends the
 * process at once with 128 + its number, as a shell reports it. Without a handler Node ignores SIGTERM as PID 1.
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
 * Runs a program. If `main` rejects, writes the message and the hint to stderr and sets the exit code of the failure
 * table, or 70 and a stack trace for any other error. The process ends when the event loop is empty.
 * @param name the first word of the message
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

import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { visible, visibleJson, visibleLines } from '@uds-sidecar/shared/text/visible'
import { CliError } from './cli-error.ts'
import type { Streams } from './streams.ts'

/** Codes whose message has several lines by itself: a list of mistakes, a stack. */
const OF_LINES: ReadonlySet<string> = new Set(['bad_config', 'internal'])

/**
 * Says on stderr what went wrong, as text or (with `--json`) as `{"error": {code, message, hint, errno?}}`.
 * What others have put into it (a path, an argument, a response) is shown and never obeyed. Returns the exit code. Anything that is neither a `Failure` nor a `CliError` is a defect of ours: its stack, and 70.
 */
export function reportError(error: unknown, json: boolean, { stderr }: Pick<Streams, 'stderr'>): number {
  const { code, message, hint, errno, exitCode } = describe(error)
  const text = errno === undefined ? message : `${message} (${errno})`
  stderr.write(
    json
      ? `${visibleJson({ error: { code, message, hint, errno } })}\n`
      : `client: ${visible(code)}: ${OF_LINES.has(code) ? visibleLines(text) : visible(text)}\n  hint: ${visible(hint)}\n`,
  )
  return exitCode
}

function describe(error: unknown) {
  if (error instanceof Failure) return error
  if (error instanceof CliError) return Object.assign(error, { errno: undefined })
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    code: 'internal',
    message,
    hint: 'this is a defect: please report it',
    errno: undefined,
    exitCode: EXIT.internal,
  }
}

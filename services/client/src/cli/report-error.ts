import { EXIT } from '@uds-sidecar/shared/failure/exit-codes'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { CliError } from './cli-error.ts'
import type { Streams } from './streams.ts'

/**
 * Says on stderr what went wrong, as text or (with `--json`) as `{"error": {code, message, hint, errno?}}`.
 * Returns the exit code. Anything that is neither a `Failure` nor a `CliError` is a defect of ours: its stack, and 70.
 */
export function reportError(error: unknown, json: boolean, { stderr }: Pick<Streams, 'stderr'>): number {
  const { code, message, hint, errno, exitCode } = describe(error)
  const text = errno === undefined ? message : `${message} (${errno})`
  stderr.write(
    json
      ? `${JSON.stringify({ error: { code, message, hint, errno } })}\n`
      : `client: ${code}: ${text}\n  hint: ${hint}\n`,
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

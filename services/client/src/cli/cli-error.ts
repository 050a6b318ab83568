import { EXIT, type ExitCode } from '@uds-sidecar/shared/failure/failures'

interface CliErrorDetails {
  readonly message: string
  /** What the user can do about it. */
  readonly hint: string
  readonly exitCode: ExitCode
}

/** An error of a command that is not a `Failure` of `shared`, with its own code, hint and exit code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  readonly hint: string
  readonly exitCode: ExitCode

  constructor(code: string, { message, hint, exitCode }: CliErrorDetails) {
    super(message)
    this.code = code
    this.hint = hint
    this.exitCode = exitCode
  }
}

/** An invalid command line: exit 64. */
export function usageError(message: string, hint: string): CliError {
  return new CliError('usage', { message, hint, exitCode: EXIT.usage })
}

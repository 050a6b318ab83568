import { EXIT, type ExitCode } from '@uds-sidecar/shared/failure/failures'

interface CliErrorDetails {
  readonly message: string
  /** What to do about it. */
  readonly hint: string
  readonly exitCode: ExitCode
}

/** What a command reports besides the failures of `shared`: a code, a hint and the exit code that goes with it. */
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

/** The command line itself is wrong: exit 64. */
export function usageError(message: string, hint: string): CliError {
  return new CliError('usage', { message, hint, exitCode: EXIT.usage })
}

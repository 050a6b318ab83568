import {
  type ExitCode,
  FAILURES,
  type FailureCode,
  type FailureRow,
  type FailureStatus,
  isRefusal,
  type LogLevel,
  statusOfRow,
} from './failures.ts'

export interface FailureDetails {
  /** What failed, on what, and why. */
  readonly message: string
  /** What to do about it: advice, an exact command or a line of Compose. */
  readonly hint: string
  /** The system's error name, such as `ECONNREFUSED`. Default: that of `cause`. */
  readonly errno?: string | undefined
  readonly cause?: unknown
}

/**
 * An error that one row of a failure table explains. Catch this class to handle the failures of any table; throw
 * {@link Failure}, or the class of a service that has codes of its own.
 */
export class CodedError<Code extends string = string> extends Error {
  override readonly name = 'Failure'
  readonly code: Code
  readonly hint: string
  readonly errno: string | undefined
  readonly #row: FailureRow

  constructor(
    table: Readonly<Record<Code, FailureRow>>,
    code: Code,
    { message, hint, errno, cause }: FailureDetails,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
    this.errno = errno ?? errnoOf(cause)
    this.#row = table[code]
  }

  get exitCode(): ExitCode {
    return this.#row.exitCode
  }

  get level(): LogLevel {
    return this.#row.level
  }

  /** Of an HTTP response that reports it. */
  get status(): FailureStatus {
    return statusOfRow(this.#row)
  }

  /** The same for every failure of this code. */
  get title(): string {
    return this.#row.title
  }
}

/** The only error that leaves `shared`: a code of {@link FAILURES}, a hint, and the original error as `cause`. */
export class Failure extends CodedError<FailureCode> {
  constructor(code: FailureCode, details: FailureDetails) {
    super(FAILURES, code, details)
  }

  /** Whether it is refused, and not the fault of an upstream. */
  get isRefusal(): boolean {
    return isRefusal(this.code)
  }
}

/** The system's name of an error, such as `ECONNREFUSED`; undefined for errors of Node itself and all others. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && /^E(?!RR_)[A-Z0-9_]+$/.test(error.code) ? error.code : undefined
}

/** A problem details object (RFC 9457) with this project's extension members. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly errno?: string
  readonly hint: string
}

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

/** Seconds in the `Retry-After` of every 503 (RFC 9110 section 10.2.3). */
export const RETRY_AFTER_SECONDS = 1

/** The body of an HTTP response that reports `failure`, to be sent as {@link PROBLEM_CONTENT_TYPE}. */
export function problemOf(failure: CodedError): Problem {
  return {
    type: 'about:blank',
    title: failure.title,
    status: failure.status,
    detail: failure.message,
    code: failure.code,
    ...(failure.errno === undefined ? {} : { errno: failure.errno }),
    hint: failure.hint,
  }
}

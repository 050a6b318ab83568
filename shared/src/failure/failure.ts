import { FAILURES, type FailureCode, statusOf } from './failures.ts'

export interface FailureDetails {
  /** What failed, on what, and what is the matter. */
  readonly message: string
  /** What to do about it; may be an exact command or a line of Compose. */
  readonly hint: string
  /** The system's error name, e.g. `ECONNREFUSED`; taken from `cause` where that has one. */
  readonly errno?: string | undefined
  readonly cause?: unknown
}

/** The only error that leaves `shared`: a closed code, a hint, and the original as `cause`. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly hint: string
  readonly errno: string | undefined

  constructor(code: FailureCode, { message, hint, errno, cause }: FailureDetails) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
    this.errno = errno ?? errnoOf(cause)
  }

  get exitCode(): number {
    return FAILURES[this.code].exitCode
  }
}

/** The system's error name of `error`, if it has one. */
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

/** Seconds that a client is asked to wait (`Retry-After`, RFC 9110 section 10.2.3) with every 503. */
export const RETRY_AFTER_SECONDS = 1

export function problemOf(failure: Failure): Problem {
  const { title } = FAILURES[failure.code]
  return {
    type: 'about:blank',
    title,
    status: statusOf(failure.code),
    detail: failure.message,
    code: failure.code,
    ...(failure.errno === undefined ? {} : { errno: failure.errno }),
    hint: failure.hint,
  }
}

import { Failure } from '../failure/failure.ts'

/** The kernel lock cannot be had, which is not the same as: another holds it. */
export function lockUnavailable(path: string, what: string, hint: string, cause?: unknown): Failure {
  return new Failure('lock_unavailable', { message: `lock file ${path} ${what}`, hint, cause })
}

import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Verdict } from './request-judge.ts'

/** Waits for the verdict about one request at a time. A verdict that comes after `forget` is ignored. */
export class PendingVerdict {
  #current: Promise<Verdict> | null = null

  get isPending(): boolean {
    return this.#current !== null
  }

  wait(verdict: Promise<Verdict>, then: (verdict: Verdict) => void): void {
    this.#current = verdict
    const settle = (result: Verdict) => {
      if (this.#current !== verdict) return
      this.#current = null
      then(result)
    }
    verdict.catch((error: unknown) => ({ failure: failureOf(error) })).then(settle)
  }

  forget(): void {
    this.#current = null
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('internal_error', {
    message: 'the caller could not be judged',
    hint: 'see the log',
    cause: error,
  })
}

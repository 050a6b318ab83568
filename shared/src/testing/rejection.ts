import assert from 'node:assert/strict'
import { Failure } from '../failure/failure.ts'

/** The Failure with which `work` has to end. */
export async function rejection(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(outcome instanceof Failure, `expected a Failure, came ${outcome}`)
  return outcome
}

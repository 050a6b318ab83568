import assert from 'node:assert/strict'
import { Failure } from '../failure/failure.ts'

/** The Failure with which `work` has to end. */
export async function rejection(work: Promise<unknown>): Promise<Failure> {
  const outcome = await work.then(dispose, (error: unknown) => error)
  assert.ok(outcome instanceof Failure, `expected a Failure, came ${outcome}`)
  return outcome
}

/** What came instead must not keep the test's process alive. */
async function dispose(value: unknown): Promise<string> {
  if (typeof value === 'object' && value !== null && Symbol.asyncDispose in value)
    await (value as AsyncDisposable)[Symbol.asyncDispose]()
  return 'success'
}

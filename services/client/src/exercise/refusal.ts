import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type Observation, seen } from './check.ts'

/** What must be refused: ok only if `attempt` fails with exactly this code. */
export async function refusal(code: FailureCode, attempt: () => Promise<unknown>): Promise<Observation> {
  try {
    await attempt()
    return seen('it was let through', false)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    return seen(
      error.errno === undefined ? error.code : `${error.code} (${error.errno})`,
      error.code === code,
    )
  }
}

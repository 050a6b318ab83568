import { Failure } from '@uds-sidecar/shared/failure/failure'
import { CliError } from '../cli/cli-error.ts'
import type { Target } from './target.ts'

/** `up`, or the code that says why the target does not answer. */
export async function stateOf(target: Target, timeoutMs: number): Promise<string> {
  try {
    await target.probe(timeoutMs)
    return 'up'
  } catch (error) {
    if (error instanceof Failure || error instanceof CliError) return error.code
    throw error
  }
}

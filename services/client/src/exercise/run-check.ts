import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { CliError } from '../cli/cli-error.ts'
import { type Check, type Observation, type Outcome, seen } from './check.ts'

/** Runs one check; what it throws is what was observed, and differs. */
export async function runCheck(check: Check): Promise<Outcome> {
  const { row, what, endpoint, expected } = check
  const observation = await check.observe().catch(unexpected)
  const where = endpoint === undefined ? {} : { endpoint: formatEndpoint(endpoint) }
  return { row, what, ...where, expected, ...observation }
}

function unexpected(error: unknown): Observation {
  if (!(error instanceof Failure) && !(error instanceof CliError)) throw error
  return { ...seen(error.code, false), note: `${error.message}; ${error.hint}` }
}

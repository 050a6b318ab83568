import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { EXIT, type ExitCode } from '@uds-sidecar/shared/failure/exit-codes'
import type { Response } from '@uds-sidecar/shared/http/request'
import { CliError } from '../cli/cli-error.ts'
import { problemIn } from './problem-in.ts'

/**
 * Passes a 2xx answer through.
 * @throws CliError with the code and hint of the problem body (RFC 9457) where the answer has one; exit 77 for 401
 * and 403, 64 for another 4xx, 69 for the rest.
 */
export function expectOk(endpoint: Endpoint, path: string, response: Response): Response {
  if (response.status >= 200 && response.status < 300) return response
  const problem = problemIn(response)
  const said = problem?.detail ?? problem?.title
  throw new CliError(problem?.code ?? `http_${response.status}`, {
    message: `${formatEndpoint(endpoint)} ${path} answered ${response.status}${said ? `: ${said}` : ''}`,
    hint: problem?.hint ?? 'is this the endpoint that you meant? Its log may say more',
    exitCode: exitCodeOf(response.status),
  })
}

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return EXIT.denied
  return status >= 400 && status < 500 ? EXIT.usage : EXIT.notAnswering
}

import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure, PROBLEM_CONTENT_TYPE } from '@uds-sidecar/shared/failure/failure'
import { EXIT, type ExitCode } from '@uds-sidecar/shared/failure/failures'
import { type RequestOptions, type Response, request } from '@uds-sidecar/shared/http/request'
import * as v from 'valibot'
import { CliError } from '../cli/cli-error.ts'

const problemSchema = v.object({
  title: v.optional(v.string()),
  detail: v.optional(v.string()),
  code: v.optional(v.string()),
  hint: v.optional(v.string()),
})

export type ReceivedProblem = v.InferOutput<typeof problemSchema>

/** The problem details (RFC 9457) of a response, if it has that content type and they are valid. */
export function problemIn({ headers, body }: Response): ReceivedProblem | undefined {
  if (!headers['content-type']?.startsWith(PROBLEM_CONTENT_TYPE)) return undefined
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), problemSchema), body.toString())
  return parsed.success ? parsed.output : undefined
}

/**
 * Returns a 2xx response unchanged.
 * @throws CliError with the code and hint of the problem body (RFC 9457) if the response has one; exit 77 for 401,
 * 403 and 429, 64 for another 4xx, 69 for the rest.
 */
export function expectOk(endpoint: Endpoint, path: string, response: Response): Response {
  if (response.status >= 200 && response.status < 300) return response
  const problem = problemIn(response)
  const said = problem?.detail ?? problem?.title
  throw new CliError(problem?.code ?? `http_${response.status}`, {
    message: `${formatEndpoint(endpoint)} ${path} responded with ${response.status}${said ? `: ${said}` : ''}`,
    hint: problem?.hint ?? 'check that this is the intended endpoint; its log may say more',
    exitCode: exitCodeOf(response.status),
  })
}

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403 || status === 429) return EXIT.denied
  return status >= 400 && status < 500 ? EXIT.usage : EXIT.notAnswering
}

/**
 * One request whose response is JSON of the given shape.
 * @throws Failure as `request` does, `upstream_malformed` for another shape; CliError for a response that is not 2xx
 */
export async function requestJson<T>(
  endpoint: Endpoint,
  schema: v.GenericSchema<unknown, T>,
  options: RequestOptions & { readonly path: string },
): Promise<T> {
  const response = await request(endpoint, options)
  return readJson(endpoint, schema, expectOk(endpoint, options.path, response))
}

export function readJson<T>(endpoint: Endpoint, schema: v.GenericSchema<unknown, T>, { body }: Response): T {
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), schema), body.toString())
  if (parsed.success) return parsed.output
  throw new Failure('upstream_malformed', {
    message: `${formatEndpoint(endpoint)} sent a response of another shape: ${parsed.issues[0].message}`,
    hint: 'check that this is not the endpoint of another program',
  })
}

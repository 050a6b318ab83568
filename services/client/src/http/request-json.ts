import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { type RequestOptions, type Response, request } from '@uds-sidecar/shared/http/request'
import * as v from 'valibot'
import { expectOk } from './expect-ok.ts'

/**
 * One request whose answer is JSON of the given shape.
 * @throws Failure as `request` does, `upstream_malformed` for another shape; CliError for an answer that is not 2xx
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
    message: `${formatEndpoint(endpoint)} answered something else than was asked for: ${parsed.issues[0].message}`,
    hint: 'is this the endpoint of another program?',
  })
}

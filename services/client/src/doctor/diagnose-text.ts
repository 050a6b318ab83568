import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { parseEndpoint } from '@uds-sidecar/shared/endpoint/parse-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Diagnosis } from './diagnosis.ts'
import { advice, finding } from './finding.ts'

/** An endpoint as somebody typed it; one that is none is a finding too, so that the others are still looked at. */
export async function diagnoseText(
  text: string,
  look: (endpoint: Endpoint) => Promise<Diagnosis>,
): Promise<Diagnosis> {
  try {
    return await look(parseEndpoint(text))
  } catch (error) {
    if (!(error instanceof Failure) || (error.code !== 'bad_endpoint' && error.code !== 'path_too_long'))
      throw error
    return invalid(text, error.code, error)
  }
}

function invalid(
  endpoint: string,
  name: 'bad_endpoint' | 'path_too_long',
  { message, hint }: Failure,
): Diagnosis {
  const found = finding(name, name, message, [advice(hint)])
  const step = { state: 'failed', subject: 'address', said: name } as const
  return { endpoint, verdict: name, steps: [step], finding: found, exitCode: found.exitCode }
}

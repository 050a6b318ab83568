import type { Endpoint } from '../endpoint/endpoint.ts'
import { formatEndpoint } from '../endpoint/format-endpoint.ts'
import { Failure } from '../failure/failure.ts'

/** Why a listener is lost. */
export function occupied(path: string): Failure {
  return new Failure('path_occupied', {
    message: `something that is not a socket was put at ${path}`,
    hint: 'move it away: the socket is then published again',
  })
}

export function unwatchable(path: string, cause: unknown): Failure {
  return new Failure('io_error', { message: `cannot look at ${path}`, hint: 'see errno', cause })
}

export function unaccepted(endpoint: Endpoint, cause: unknown): Failure {
  return new Failure('overloaded', {
    message: `cannot accept connections on ${formatEndpoint(endpoint)}: no descriptor is left`,
    hint: 'raise the limit of descriptors (ulimits: nofile in Compose), or allow fewer connections',
    cause,
  })
}

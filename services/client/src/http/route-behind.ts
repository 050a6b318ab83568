import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Route } from './routes-schema.ts'

/**
 * The sidecar's route that a client reaches at this endpoint. The sidecar names its ports by the address that it
 * binds, a client by the one that it dials: the port is the same.
 */
export function routeBehind(routes: readonly Route[], endpoint: Endpoint): Route | undefined {
  if (endpoint.kind !== 'tcp') return undefined
  return routes.find(({ listen }) => listen.endsWith(`:${endpoint.port}`))
}

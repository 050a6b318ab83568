import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import * as v from 'valibot'

/** What the exercise leans on in the app's `/status`; the app may say more. */
export const statusSchema = v.object({
  name: v.string(),
  pid: v.number(),
  redis: v.picklist(['up', 'down']),
  sockets: v.array(v.object({ name: v.string(), endpoint: v.string() })),
})

export type AppStatus = v.InferOutput<typeof statusSchema>

/** What `/visits` answers. */
export const visitsSchema = v.object({ visits: v.pipe(v.number(), v.integer()) })

const routeSchema = v.object({
  name: v.string(),
  kind: v.string(),
  listen: v.string(),
  upstream: v.string(),
  /** `up`, `down` or `unknown`. */
  state: v.string(),
  /** How many sockets the sidecar has seen at the path. */
  generation: v.number(),
  lastError: v.nullable(v.object({ code: v.string() })),
})

/** What a client leans on in the sidecar's `/routes`; the sidecar says more. */
export const routesSchema = v.pipe(
  v.object({ routes: v.array(routeSchema) }),
  v.transform(({ routes }) => routes),
)

export type Route = v.InferOutput<typeof routeSchema>

/**
 * The sidecar's route that a client reaches at this endpoint. The sidecar names its ports by the address that it
 * binds, a client by the one that it dials: the port is the same.
 */
export function routeBehind(routes: readonly Route[], endpoint: Endpoint): Route | undefined {
  if (endpoint.kind !== 'tcp') return undefined
  return routes.find(({ listen }) => listen.endsWith(`:${endpoint.port}`))
}

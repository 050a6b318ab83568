import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import * as v from 'valibot'

/** The fields of the app's `/status` that the exercise needs; there may be more. */
export const statusSchema = v.object({
  name: v.string(),
  pid: v.number(),
  redis: v.picklist(['up', 'down']),
  sockets: v.array(v.object({ name: v.string(), endpoint: v.string() })),
})

export type AppStatus = v.InferOutput<typeof statusSchema>

/** The response of `/visits`. */
export const visitsSchema = v.object({ visits: v.pipe(v.number(), v.integer()) })

/** The response of `/quote`. */
export const quoteSchema = v.object({ quote: v.string() })

const routeSchema = v.object({
  name: v.string(),
  kind: v.string(),
  listen: v.string(),
  /** Null on a route of kind connect. */
  upstream: v.nullable(v.string()),
  /** `up`, `down` or `unknown`. */
  state: v.string(),
  /** How many sockets the sidecar has seen at the path. */
  generation: v.number(),
  lastError: v.nullable(v.object({ code: v.string() })),
})

/** What a sidecar that is not ready says to whom it knows. */
export const notReadySchema = v.object({
  ready: v.literal(false),
  down: v.array(
    v.object({
      route: v.string(),
      code: v.nullable(v.string()),
      optional: v.optional(v.boolean(), false),
    }),
  ),
})

/** The fields of the sidecar's `/routes` that the client needs; there are more. */
export const routesSchema = v.pipe(
  v.object({ routes: v.array(routeSchema) }),
  v.transform(({ routes }) => routes),
)

export type Route = v.InferOutput<typeof routeSchema>

/**
 * The route of the sidecar behind this endpoint. They are compared by port: the sidecar reports the address that it binds,
 * which differs from the address that a client dials.
 */
export function routeBehind(routes: readonly Route[], endpoint: Endpoint): Route | undefined {
  if (endpoint.kind !== 'tcp') return undefined
  return routes.find(({ listen }) => listen.endsWith(`:${endpoint.port}`))
}

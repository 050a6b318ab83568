import * as v from 'valibot'

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

import * as v from 'valibot'
import { READY_BOUNDS } from './bounds.ts'
import { boundSchema, mapping } from './schema-parts.ts'

/** A path and a query as a request line has them: RFC 3986 without the fragment. */
const TARGET_PATTERN = /^\/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2}){0,1023}$/
const TARGET =
  'may be a path of the app, such as /-/ready, with its query if it needs one: percent-encoded, without a method, at most 1024 characters'

const readySettings = mapping({
  get: v.pipe(
    v.string(TARGET),
    v.regex(TARGET_PATTERN, TARGET),
    v.metadata({
      json: {
        type: 'string',
        pattern: TARGET_PATTERN.source,
        description: `What the probe requests with GET, whatever the rules allow; a response with 2xx means ready. It ${TARGET}.`,
      },
    }),
  ),
  within: boundSchema(READY_BOUNDS.within),
  every: boundSchema(READY_BOUNDS.every),
})

/** The readiness probe of an HTTP route. Without it the route is ready when its upstream accepts a connection. */
export const ready = v.optional(readySettings)

const OPTIONAL = 'may be true or false'

/** Whether the sidecar is ready also while the upstream of this route is not. */
export const optional = v.optional(
  v.pipe(
    v.boolean(OPTIONAL),
    v.metadata({
      json: {
        type: 'boolean',
        description:
          'Whether /-/ready of the operations port leaves this route out: its state is shown, and does not make it 503.',
      },
    }),
  ),
  false,
)

/** Validated; `within` and `every` in milliseconds. */
export type ReadyProbe = Readonly<v.InferOutput<typeof readySettings>>

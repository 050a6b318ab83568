import { endpointText } from '@uds-sidecar/shared/config/env-types'
import * as v from 'valibot'
import { boundSchema, boundsSchema } from './bound-schema.ts'
import { DRAIN, STREAM_LIMITS, STREAM_TIMEOUTS } from './bounds.ts'
import { settings } from './settings.ts'

const NAME = 'may be lower-case letters, digits and -, at most 63, beginning with a letter'

const streamRoute = settings({
  name: v.pipe(v.string(NAME), v.regex(/^[a-z][a-z0-9-]{0,62}$/, NAME)),
  kind: v.literal('stream'),
  listen: endpointText,
  upstream: endpointText,
  timeouts: boundsSchema(STREAM_TIMEOUTS),
  limits: boundsSchema(STREAM_LIMITS),
})

const routes = v.array(
  v.variant('kind', [streamRoute], 'may be a route with kind: stream'),
  'may be a list of routes',
)

/** The configuration file. */
export const fileSchema = settings({
  ops: v.optional(v.nullable(endpointText), null),
  drain: boundSchema(DRAIN),
  routes: v.pipe(routes, v.minLength(1, 'must have at least one route')),
})

export type ConfigFile = v.InferOutput<typeof fileSchema>

import { endpointText } from '@uds-sidecar/shared/config/env-types'
import * as v from 'valibot'
import { allowRule } from './allow-rule.ts'
import { boundSchema, boundsSchema } from './bound-schema.ts'
import { DRAIN, HTTP_LIMITS, HTTP_TIMEOUTS, STREAM_LIMITS, STREAM_TIMEOUTS } from './bounds.ts'
import { mayPass, PASS_FIELD, PASS_FIELD_PATTERN } from './pass-field.ts'
import { mapping, settings } from './settings.ts'

const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/
const NAME = 'may be lower-case letters, digits and -, at most 63, beginning with a letter'
const PASS_FIELDS = 'may be a list of field names, such as [X-Forwarded-Prefix]'
const ALLOW = 'may be a list of methods and paths, such as [GET /metrics]'

const name = v.pipe(
  v.string(NAME),
  v.regex(NAME_PATTERN, NAME),
  v.metadata({
    json: { type: 'string', pattern: NAME_PATTERN.source, description: `The metric label; ${NAME}.` },
  }),
)

function endpoint(description: string) {
  return v.pipe(
    endpointText,
    v.metadata({
      json: { type: 'string', pattern: '^(unix:(//)?/.+|unix:@.+|tcp://.+:[0-9]+)$', description },
    }),
  )
}

const passField = v.pipe(
  v.string(PASS_FIELD),
  v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
    const name = dataset.value.toLowerCase()
    if (mayPass(name)) return name
    addIssue({ message: PASS_FIELD })
    return NEVER
  }),
  v.metadata({
    json: { type: 'string', pattern: PASS_FIELD_PATTERN.source, description: `Each ${PASS_FIELD}.` },
  }),
)

const common = {
  name,
  listen: endpoint('Where clients connect.'),
  upstream: endpoint('The socket behind the route.'),
}

const streamRoute = settings({
  ...common,
  kind: v.literal('stream'),
  timeouts: boundsSchema(STREAM_TIMEOUTS),
  limits: boundsSchema(STREAM_LIMITS),
})

const REMOVED = {
  coalesce:
    'responses are not shared between clients any more, because a shared one could carry Set-Cookie or private data to another client (RFC 9111 section 4); delete the line',
}

const httpRoute = settings(
  {
    ...common,
    kind: v.literal('http'),
    allow: v.optional(v.pipe(v.array(allowRule, ALLOW), v.minLength(1, ALLOW)), ['GET /metrics']),
    passFields: v.optional(v.array(passField, PASS_FIELDS), []),
    timeouts: boundsSchema(HTTP_TIMEOUTS),
    limits: boundsSchema(HTTP_LIMITS),
  },
  REMOVED,
)

const routes = v.array(
  v.variant('kind', [httpRoute, streamRoute], 'may be a route with kind: http or kind: stream'),
  'may be a list of routes',
)

/** The configuration file. */
export const fileSchema = mapping({
  ops: v.optional(v.nullable(endpoint('The operations port; off when not set.')), null),
  drain: boundSchema(DRAIN),
  routes: v.pipe(routes, v.minLength(1, 'must have at least one route')),
})

export type ConfigFile = v.InferOutput<typeof fileSchema>

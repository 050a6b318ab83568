import { endpointText } from '@uds-sidecar/shared/config/env-types'
import * as v from 'valibot'
import { FIELD, fieldId } from '../http1/field-names.ts'
import { ALLOW_GRAMMAR, type AllowRule, parseAllowRule, RULE_PATTERN } from '../policy/allow-list.ts'
import { boundSchema, boundsSchema } from './bound-schema.ts'
import { DRAIN, HTTP_LIMITS, HTTP_TIMEOUTS, STREAM_LIMITS, STREAM_TIMEOUTS } from './bounds.ts'
import { mapping, settings } from './settings.ts'

export const PASS_FIELD_PATTERN = /^[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}$/
export const PASS_FIELD =
  'may be the name of a field that is dropped otherwise, such as X-Forwarded-Prefix or X_API_KEY, but not one that frames the message, belongs to a connection or is set by the sidecar'

/** Fields that the sidecar sets itself; a second one would speak against it. */
const OURS: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-user',
  'forwarded',
])

/** Whether the field `name`, in lower case, may be forwarded as the client sent it. */
export function mayPass(name: string): boolean {
  const folded = name.replace(/[^a-z0-9]/g, '-')
  const id = fieldId(Buffer.from(name), 0, name.length)
  return PASS_FIELD_PATTERN.test(name) && !OURS.has(folded) && (id === FIELD.dropped || id === FIELD.unknown)
}

/** One rule of `allow`, which must be one that a request can meet. */
export const allowRule = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, AllowRule>(({ dataset, addIssue, NEVER }) => {
    const rule = typeof dataset.value === 'string' ? parseAllowRule(dataset.value) : undefined
    const mistake = rule === undefined ? ALLOW_GRAMMAR : mistakeIn(rule)
    if (rule !== undefined && mistake === undefined) return rule
    addIssue({ message: mistake ?? ALLOW_GRAMMAR })
    return NEVER
  }),
  v.metadata({
    json: { type: 'string', pattern: RULE_PATTERN.source, description: `Each ${ALLOW_GRAMMAR}.` },
  }),
)

/** What the grammar lets through, and no request is ever relayed for. */
function mistakeIn({ methods, path }: AllowRule): string | undefined {
  if (methods.includes('CONNECT')) return 'may be any method but CONNECT, which kind: http does not relay'
  if (path === '*' && methods.some((method) => method !== 'OPTIONS'))
    return 'may have the path * with OPTIONS alone (RFC 9110 section 9.3.7)'
  return undefined
}

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

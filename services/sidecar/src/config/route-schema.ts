/** A route of the configuration file, of each kind, and the rules and fields that a route with `kind: http` lets pass. */
import * as v from 'valibot'
import { FIELD, fieldId } from '../http1/field-names.ts'
import { type AllowRule, parseRule, RULE_PATTERN } from '../policy/rule.ts'
import {
  CONNECT_LIMITS,
  CONNECT_TIMEOUTS,
  HTTP_LIMITS,
  HTTP_TIMEOUTS,
  STREAM_LIMITS,
  STREAM_TIMEOUTS,
} from './bounds.ts'
import { forClients } from './clients-schema.ts'
import { allowAddresses, allowUpstreamAddresses, connectRule, sni } from './connect-schema.ts'
import { endpoint, hosts, listener } from './listener-schema.ts'
import { forwardedField } from './proxy-schema.ts'
import { ready } from './ready-schema.ts'
import { boundsSchema, settings } from './schema-parts.ts'
import { credentials, forwarded, upstreamTls } from './way-out-schema.ts'

const GRAMMAR =
  'may be methods and a path, such as GET /metrics or GET|POST /visits, then the names that a query may have, such as ?page&sort, then upgrade and a protocol that the request switches to, such as upgrade websocket, then long for a response that may take as long as it likes, then for and the clients that may use it, such as for prometheus; in a path {name} is one segment, and /* at the end is everything below'

/** One rule of `allow`. A rule that no request could match is a mistake. */
export const allowRule = v.pipe(
  v.unknown(),
  v.rawTransform<unknown, AllowRule>(({ dataset, addIssue, NEVER }) => {
    const { value } = dataset
    const rule = typeof value === 'string' ? parseRule(value) : 'it is not text; put it in quotes'
    const mistake = typeof rule === 'string' ? `${GRAMMAR}; here ${rule}` : mistakeIn(rule)
    if (typeof rule !== 'string' && mistake === undefined) return rule
    addIssue({ message: mistake ?? GRAMMAR })
    return NEVER
  }),
  v.metadata({
    json: { type: 'string', pattern: RULE_PATTERN.source, description: `Each ${GRAMMAR}.` },
  }),
)

/** Why no request could match a rule although its syntax is valid; undefined when one could. */
function mistakeIn(rule: AllowRule): string | undefined {
  const { methods, path, upgrade } = rule
  if (methods.includes('CONNECT'))
    return 'may have any method except CONNECT, which kind: http does not relay'
  if (path === '*' && methods.some((method) => method !== 'OPTIONS'))
    return 'may have the path * only with OPTIONS (RFC 9110 section 9.3.7)'
  if (upgrade?.toLowerCase() === 'websocket' && methods.some((method) => method !== 'GET'))
    return 'may have upgrade websocket only with GET (RFC 6455 section 4.1)'
  return undefined
}

const PASS_FIELD_PATTERN = /^[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}$/
const PASS_FIELD =
  'may be the name of a field that the sidecar drops by default, such as X-Forwarded-Prefix or X_API_KEY, but not a framing field, a hop-by-hop field, or a field that the sidecar sets'

/** Fields that only the sidecar may set: one from the client could contradict it, or forge an identity. */
const OURS: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-user',
  'forwarded',
])

/** Whether `passFields` may contain this field name, which is in lower case. */
function mayPass(name: string): boolean {
  const folded = name.replace(/[^a-z0-9]/g, '-')
  const id = fieldId(Buffer.from(name), 0, name.length)
  return PASS_FIELD_PATTERN.test(name) && !OURS.has(folded) && (id === FIELD.dropped || id === FIELD.unknown)
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

const PASS_FIELDS = 'may be a list of field names, such as [X-Forwarded-Prefix]'
const ENCODED_SLASH = 'may be refuse or allow'
const CONNECT_ALLOW = 'may be a list of hosts and ports, such as [CONNECT api.example.org:443]'
const ALLOW = 'may be a list of methods and paths, such as [GET /metrics]'

const common = {
  ...listener,
  upstream: endpoint('What the sidecar dials: a socket, or a host and port.'),
  upstreamTls,
  allowAddresses: allowUpstreamAddresses,
}

const streamRoute = settings({
  ...common,
  kind: v.literal('stream'),
  for: forClients,
  timeouts: boundsSchema(STREAM_TIMEOUTS),
  limits: boundsSchema(STREAM_LIMITS),
})

const REMOVED = {
  coalesce:
    'the sidecar no longer shares one response between clients, because it could carry Set-Cookie or private data to the wrong client (RFC 9111 section 4); delete the line',
}

const httpRoute = settings(
  {
    ...common,
    kind: v.literal('http'),
    hosts: hosts(
      'Host names that the route serves, beside IP addresses and localhost; without it every name is served.',
    ),
    ready,
    encodedSlash: v.optional(
      v.pipe(
        v.picklist(['refuse', 'allow'], ENCODED_SLASH),
        v.metadata({
          json: {
            enum: ['refuse', 'allow'],
            description: `Whether {name} and /* of a rule match an encoded slash (%2F); ${ENCODED_SLASH}. Where a rule itself has %2F, it always matches.`,
          },
        }),
      ),
      'refuse',
    ),
    allow: v.optional(v.pipe(v.array(allowRule, ALLOW), v.minLength(1, ALLOW)), ['GET /metrics']),
    passFields: v.optional(v.array(passField, PASS_FIELDS), []),
    credentials,
    forwarded,
    forwardedField,
    timeouts: boundsSchema(HTTP_TIMEOUTS),
    limits: boundsSchema(HTTP_LIMITS),
  },
  REMOVED,
)

const connectRoute = settings({
  ...listener,
  kind: v.literal('connect'),
  sni,
  allowAddresses,
  allow: v.pipe(v.array(connectRule, CONNECT_ALLOW), v.minLength(1, CONNECT_ALLOW)),
  timeouts: boundsSchema(CONNECT_TIMEOUTS),
  limits: boundsSchema(CONNECT_LIMITS),
})

const KINDS = 'may be a route with kind: http, kind: stream or kind: connect'
/** All routes, each by its kind. */
export const routes = v.array(
  v.variant('kind', [httpRoute, streamRoute, connectRoute], KINDS),
  'may be a list of routes',
)

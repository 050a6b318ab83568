import { endpointText } from '@uds-sidecar/shared/config/env-types'
import * as v from 'valibot'
import { FIELD, fieldId } from '../http1/field-names.ts'
import { HOST_PATTERN, HOSTS } from '../policy/hosts.ts'
import { type AllowRule, parseRule, RULE_PATTERN } from '../policy/rule.ts'
import {
  CONNECT_LIMITS,
  CONNECT_TIMEOUTS,
  DRAIN,
  HTTP_LIMITS,
  HTTP_TIMEOUTS,
  STREAM_LIMITS,
  STREAM_TIMEOUTS,
} from './bounds.ts'
import { clients, forClients } from './clients-schema.ts'
import { allowAddresses, allowUpstreamAddresses, connectRule, sni } from './connect-schema.ts'
import { forwardedField, proxyProtocol, trustedProxies } from './proxy-schema.ts'
import { optional, ready } from './ready-schema.ts'
import { boundSchema, boundsSchema, mapping, settings } from './schema-parts.ts'
import { tls } from './tls-schema.ts'
import { credentials, forwarded, upstreamTls } from './way-out-schema.ts'

export const PASS_FIELD_PATTERN = /^[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}$/
export const PASS_FIELD =
  'may be the name of a field that the sidecar drops by default, such as X-Forwarded-Prefix or X_API_KEY, but not a framing field, a hop-by-hop field, or a field that the sidecar sets'

/** Fields that only the sidecar may set: one from the client could contradict it, or forge an identity. */
const OURS: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-user',
  'forwarded',
])

/** Whether `passFields` may contain this field name, which is in lower case. */
export function mayPass(name: string): boolean {
  const folded = name.replace(/[^a-z0-9]/g, '-')
  const id = fieldId(Buffer.from(name), 0, name.length)
  return PASS_FIELD_PATTERN.test(name) && !OURS.has(folded) && (id === FIELD.dropped || id === FIELD.unknown)
}

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

const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/
const NAME = 'may have lower-case letters, digits and -, at most 63, and must begin with a letter'
const PASS_FIELDS = 'may be a list of field names, such as [X-Forwarded-Prefix]'
const ENCODED_SLASH = 'may be refuse or allow'
const CONNECT_ALLOW = 'may be a list of hosts and ports, such as [CONNECT api.example.org:443]'
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

/** Its first digit has w, 2, for the owner: a server that cannot connect to its own socket cannot probe it. */
const MODE_PATTERN = /^0?[2367][0-7]{2}$/
const MODE =
  'may be the permission bits as a quoted octal string with w for the owner, such as "0660"; without quotes YAML reads a number'
const GROUP = 'may be a group id, a whole number from 0 to 2147483647'
const ON_CONFLICT = 'may be refuse or takeover'

/**
 * Settings of the socket file, which only `listen: unix:/path` has; conflicts.ts refuses them
 * elsewhere.
 */
const socketFile = {
  mode: v.optional(
    v.pipe(
      v.string(MODE),
      v.regex(MODE_PATTERN, MODE),
      v.transform((text) => Number.parseInt(text, 8)),
      v.metadata({
        json: {
          type: 'string',
          pattern: MODE_PATTERN.source,
          description: `The mode of the socket file; ${MODE}. Default "0660".`,
        },
      }),
    ),
  ),
  group: v.optional(
    v.pipe(
      v.number(GROUP),
      v.check((gid) => Number.isInteger(gid) && gid >= 0 && gid <= 0x7fff_ffff, GROUP),
      v.metadata({
        json: {
          type: 'integer',
          description: `The group of the socket file; ${GROUP}. Default: that of a setgid directory, else that of the sidecar.`,
        },
      }),
    ),
  ),
  onConflict: v.optional(
    v.pipe(
      v.picklist(['refuse', 'takeover'], ON_CONFLICT),
      v.metadata({
        json: {
          enum: ['refuse', 'takeover'],
          description:
            'What to do about a running server at the path: refuse to start, or take over from one that allows it too. Default refuse.',
        },
      }),
    ),
  ),
}

const listener = {
  name,
  listen: endpoint('Where clients connect.'),
  ...socketFile,
  tls,
  optional,
  trustedProxies,
  proxyProtocol,
}

const common = {
  ...listener,
  upstream: endpoint('What the sidecar dials: a socket, or a host and port.'),
  upstreamTls,
  allowAddresses: allowUpstreamAddresses,
}

const MAX_HOSTS = 64

/** Host names that a listener serves. */
function hosts(description: string) {
  return v.optional(
    v.pipe(
      v.array(v.pipe(v.string(HOSTS), v.maxLength(255, HOSTS), v.regex(HOST_PATTERN, HOSTS)), HOSTS),
      v.maxLength(MAX_HOSTS, HOSTS),
      v.metadata({
        json: {
          type: 'array',
          maxItems: MAX_HOSTS,
          items: { type: 'string', maxLength: 255, pattern: HOST_PATTERN.source },
          description,
        },
      }),
    ),
  )
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
const routes = v.array(
  v.variant('kind', [httpRoute, streamRoute, connectRoute], KINDS),
  'may be a list of routes',
)

const opsEndpoint = endpoint('Where the operations port listens; without it there is none.')
const opsSettings = mapping({
  listen: endpoint('Where the operations port listens.'),
  hosts: hosts('Host names that the operations port serves, beside IP addresses and localhost.'),
  for: forClients,
  tls,
})

/** The operations port: its endpoint alone, or its settings. */
const ops = v.lazy((input) => (isSettings(input) ? opsSettings : opsEndpoint))

function isSettings(input: unknown): boolean {
  return typeof input === 'object' && input !== null
}

/** Which requests get a line in the log: none, those that failed or were refused, or all. */
const ACCESS_LOG = ['off', 'failed', 'all'] as const
export type AccessLogSetting = (typeof ACCESS_LOG)[number]
const ACCESS_LOG_MISTAKE = `may be ${ACCESS_LOG.join(', ')}`
const TRACE = 'may be true or false'

export const accessLog = v.pipe(
  v.picklist(ACCESS_LOG, ACCESS_LOG_MISTAKE),
  v.metadata({
    json: {
      enum: ACCESS_LOG,
      description:
        'Which requests get a line in the log: none, those that failed or were refused, or all. At most 100 lines a second.',
    },
  }),
)

const trace = v.pipe(
  v.boolean(TRACE),
  v.metadata({
    json: {
      type: 'boolean',
      description:
        'Whether a request without a valid traceparent (W3C Trace Context) begins a trace; a valid one always goes on.',
    },
  }),
)

/** The schema of the configuration file. `sidecar.schema.json` is generated from it. */
export const fileSchema = mapping({
  ops: v.optional(v.nullable(ops), null),
  clients,
  drain: boundSchema(DRAIN),
  accessLog: v.optional(accessLog, 'failed'),
  trace: v.optional(trace, false),
  routes: v.pipe(routes, v.minLength(1, 'must have at least one route')),
})

export type ConfigFile = v.InferOutput<typeof fileSchema>

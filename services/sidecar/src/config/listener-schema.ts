/** What every listener has: a name, an endpoint and its socket file, host names, TLS, and proxies in front. */
import { endpointText } from '@uds-sidecar/shared/config/env-types'
import * as v from 'valibot'
import { HOST_PATTERN, HOSTS } from '../policy/hosts.ts'
import { proxyProtocol, trustedProxies } from './proxy-schema.ts'
import { optional } from './ready-schema.ts'
import { tls } from './tls-schema.ts'

const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/
const NAME = 'may have lower-case letters, digits and -, at most 63, and must begin with a letter'

const name = v.pipe(
  v.string(NAME),
  v.regex(NAME_PATTERN, NAME),
  v.metadata({
    json: { type: 'string', pattern: NAME_PATTERN.source, description: `The metric label; ${NAME}.` },
  }),
)

/** An endpoint as text, such as `unix:/run/app/api.sock`. */
export function endpoint(description: string) {
  return v.pipe(
    endpointText,
    v.metadata({
      json: { type: 'string', pattern: '^(unix:(//)?/.+|unix:@.+|tcp://.+:[0-9]+)$', description },
    }),
  )
}

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

/** Settings of the listener of a route, of each kind. */
export const listener = {
  name,
  listen: endpoint('Where clients connect.'),
  ...socketFile,
  tls,
  optional,
  trustedProxies,
  proxyProtocol,
}

const MAX_HOSTS = 64

/** Host names that a listener serves. */
export function hosts(description: string) {
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

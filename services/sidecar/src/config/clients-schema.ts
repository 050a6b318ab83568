import * as v from 'valibot'
import { CERTIFICATE_PATTERN, parseCertificatePattern } from '../identity/certificate-names.ts'
import { isClientName } from '../policy/rule.ts'

/** A caller that can be told apart from others. Rules name it after `for`. */
export type Client =
  | { readonly name: string; readonly kind: 'token'; readonly file: string }
  | { readonly name: string; readonly kind: 'basic'; readonly file: string }
  | { readonly name: string; readonly kind: 'certificate'; readonly pattern: string }
  | { readonly name: string; readonly kind: 'uid'; readonly uid: number }
  | { readonly name: string; readonly kind: 'gid'; readonly gid: number }

export type ClientKind = Client['kind']

/** Each file is followed, and each name is a label of metrics. */
const MAX_CLIENTS = 256
const NAME_PATTERN = /^[a-z][a-z0-9-]{0,62}$/ // for editors; isClientName decides
const ANONYMOUS = 'anonymous'
/** Words of a rule, and the metric label of a caller that is no client. */
const RESERVED = ['for', 'long', 'upgrade', ANONYMOUS]
const NAME =
  'may have a name of lower-case letters, digits and -, at most 63, that begins with a letter and is not for, long, upgrade or anonymous'
const CLIENTS = `may be a mapping from names to clients, at most ${MAX_CLIENTS}, such as {prometheus: {token: /run/secrets/tokens}}`
const CLIENT = 'may have exactly one of token, basic, certificate, uid and gid'
const FILE = 'may be the absolute path of a file'
const MAX_ID = 0xffff_fffe
const ID = `may be a whole number from 0 to ${MAX_ID}`
const FOR = 'may be a list of names of clients, each once, such as [prometheus]'

/** The clients of a configuration file, in its order. */
export const clients = v.optional(
  v.pipe(
    v.unknown(),
    v.rawTransform<unknown, readonly Client[]>(({ dataset, addIssue, NEVER }) => {
      const entries = entriesOf(dataset.value)
      if (entries === null || entries.length > MAX_CLIENTS) {
        addIssue({ message: CLIENTS })
        return NEVER
      }
      const found: Client[] = []
      for (const [name, value] of entries) {
        const client = readClient(name, value)
        if ('kind' in client) found.push(client)
        else addIssue({ message: client.message, input: client.input, path: pathTo(name, ...client.keys) })
      }
      return found.length === entries.length ? Object.freeze(found) : NEVER
    }),
    v.metadata({
      json: {
        type: 'object',
        description: 'Who can be told apart: rules name these after for.',
        maxProperties: MAX_CLIENTS,
        propertyNames: { pattern: NAME_PATTERN.source, not: { enum: RESERVED } },
        additionalProperties: {
          type: 'object',
          minProperties: 1,
          maxProperties: 1,
          additionalProperties: false,
          properties: {
            token: file('bearer tokens, one a line, all valid; at least 16 bytes each'),
            basic: file('users with bcrypt passwords, as htpasswd -B writes them'),
            certificate: {
              type: 'string',
              description: `The name that the client certificate must have; ${CERTIFICATE_PATTERN}.`,
            },
            uid: { type: 'integer', description: `The user of a caller on a Unix socket; ${ID}.` },
            gid: {
              type: 'integer',
              description: `The primary group, or a supplementary one, of a caller on a Unix socket; ${ID}.`,
            },
          },
        },
      },
    }),
  ),
  {},
)

/** Who may connect: the `for` of a stream route, or of the operations port. */
export const forClients = v.optional(
  v.pipe(
    v.array(v.pipe(v.string(FOR), v.check(isClientName, FOR)), FOR),
    v.minLength(1, FOR),
    v.metadata({
      json: {
        type: 'array',
        minItems: 1,
        uniqueItems: true,
        items: { type: 'string', pattern: NAME_PATTERN.source },
        description: 'The clients that may connect; without it everybody may.',
      },
    }),
  ),
)

function file(what: string) {
  return { type: 'string', pattern: '^/.+', description: `The absolute path of a file with ${what}.` }
}

interface BadClient {
  readonly message: string
  readonly input: unknown
  /** Below the client. */
  readonly keys: readonly string[]
}

function readClient(name: string, value: unknown): Client | BadClient {
  if (!isClientName(name) || name === ANONYMOUS) return { message: NAME, input: name, keys: [] }
  const [entry, second] = entriesOf(value) ?? []
  if (entry === undefined || second !== undefined) return { message: CLIENT, input: value, keys: [] }
  const [kind, setting] = entry
  const bad = (message: string): BadClient => ({ message, input: setting, keys: [kind] })
  switch (kind) {
    case 'token':
    case 'basic':
      return isPath(setting) ? Object.freeze({ name, kind, file: setting }) : bad(FILE)
    case 'certificate':
      return typeof setting === 'string' && parseCertificatePattern(setting) !== undefined
        ? Object.freeze({ name, kind, pattern: setting })
        : bad(CERTIFICATE_PATTERN)
    case 'uid':
      return isId(setting) ? Object.freeze({ name, kind, uid: setting }) : bad(ID)
    case 'gid':
      return isId(setting) ? Object.freeze({ name, kind, gid: setting }) : bad(ID)
    default:
      return { message: CLIENT, input: value, keys: [] }
  }
}

function entriesOf(value: unknown): [string, unknown][] | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : null
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && /^\/[^\0]+$/.test(value)
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_ID
}

function pathTo(...keys: string[]): [v.IssuePathItem, ...v.IssuePathItem[]] {
  const [first, ...others] = keys.map(
    (key): v.IssuePathItem => ({ type: 'unknown', origin: 'value', input: undefined, key, value: undefined }),
  )
  if (first === undefined) throw new TypeError('a path has at least one key')
  return [first, ...others]
}

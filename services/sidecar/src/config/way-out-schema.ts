/** Settings of a route whose upstream is on TCP: TLS towards it, and credentials that its clients never see. */
import { isIP } from 'node:net'
import * as v from 'valibot'
import { foldedName } from '../http1/destination.ts'
import { FIELD, fieldId } from '../http1/field-names.ts'
import { mapping } from './schema-parts.ts'
import { alpn, pemPath } from './tls-schema.ts'

const MIN_VERSION = 'may be TLSv1.2 or TLSv1.3'
const SERVER_NAME = 'may be a host name, such as api.example.org, or an IP address'
const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?'
const HOST_NAME = new RegExp(`^(?=.{1,253}$)${LABEL}(?:\\.${LABEL})*$`)

function pemFile(description: string) {
  return v.optional(v.pipe(pemPath, v.metadata({ json: { type: 'string', pattern: '^/.+', description } })))
}

const upstreamTlsSettings = mapping({
  ca: pemFile(
    'The CA certificates that the upstream is verified with, as PEM, and no others. Read again when the file changes. Default: those of the system.',
  ),
  serverName: v.optional(
    v.pipe(
      v.string(SERVER_NAME),
      v.check((name) => isIP(name) !== 0 || HOST_NAME.test(name), SERVER_NAME),
      v.metadata({
        json: {
          type: 'string',
          description:
            'The name that the certificate of the upstream must have, and that SNI asks for. Default: the host of upstream.',
        },
      }),
    ),
  ),
  certificate: pemFile(
    'The certificate of the sidecar for the upstream, followed by its intermediates, as PEM. Needs key.',
  ),
  key: pemFile('The private key of the certificate, as PEM and not encrypted.'),
  minVersion: v.optional(
    v.pipe(
      v.picklist(['TLSv1.2', 'TLSv1.3'], MIN_VERSION),
      v.metadata({
        json: { enum: ['TLSv1.2', 'TLSv1.3'], description: 'The lowest version of TLS that is accepted.' },
      }),
    ),
    'TLSv1.2',
  ),
  alpn: alpn(
    'The protocols that a stream offers to its upstream by ALPN, such as [h2] for gRPC. Only with kind: stream. Default: no ALPN.',
  ),
})

/** TLS towards an upstream on TCP; `wayOutMistakes` refuses it for a socket. */
export const upstreamTls = v.optional(upstreamTlsSettings)

export type UpstreamTlsSettings = Readonly<v.InferOutput<typeof upstreamTlsSettings>>

/** A request field that the sidecar adds, and the file that has its value. */
export interface CredentialSettings {
  readonly name: string
  readonly path: string
}

/** Names have fewer than 64 bytes: of the names of trailers no more is kept. */
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9-]{0,62}$/
const MAX_CREDENTIALS = 16
const CREDENTIALS = `may be 1 to ${MAX_CREDENTIALS} field names, each with the absolute path of a file, such as {authorization: /run/secrets/payments/authorization}`
const NAME =
  'has a name that may not be a credential: use letters, digits and -, at most 63, and no framing field, no hop-by-hop field, and none that the sidecar sets'

/** Whether the sidecar may add a field of this name: one that means nothing else to the relay. */
function mayBeCredential(name: string): boolean {
  const id = fieldId(Buffer.from(name), 0, name.length)
  const isFree = id === FIELD.unknown || id === FIELD.credentials || id === FIELD.dropped
  const isCredential = isFree || name.toLowerCase() === 'authorization'
  return FIELD_NAME.test(name) && isCredential && !/^(x-)?forwarded(-|$)/i.test(name)
}

export const credentials = v.optional(
  v.pipe(
    v.unknown(),
    v.rawTransform<unknown, readonly CredentialSettings[]>(({ dataset, addIssue, NEVER }) => {
      const rows =
        typeof dataset.value === 'object' && dataset.value !== null && !Array.isArray(dataset.value)
          ? Object.entries(dataset.value)
          : []
      const names = new Set(rows.map(([name]) => foldedText(name)))
      const isPath = (path: unknown) => typeof path === 'string' && /^\/[^\0]+$/.test(path)
      const odd = rows.find(([name]) => !mayBeCredential(name))
      if (rows.length === 0 || rows.length > MAX_CREDENTIALS || !rows.every(([, path]) => isPath(path)))
        addIssue({ message: CREDENTIALS })
      else if (odd !== undefined) addIssue({ message: `${odd[0]} ${NAME}` })
      else if (names.size < rows.length)
        addIssue({ message: 'names one field twice; upper and lower case are the same' })
      else return Object.freeze(rows.map(([name, path]) => Object.freeze({ name, path: `${path}` })))
      return NEVER
    }),
    v.metadata({
      json: {
        type: 'object',
        minProperties: 1,
        maxProperties: MAX_CREDENTIALS,
        propertyNames: { pattern: FIELD_NAME.source },
        additionalProperties: { type: 'string', pattern: '^/.+' },
        description:
          'Request fields that the sidecar adds and its clients never see: names, each with the file that has the value. Read again when a file changes. A field of that name from a client is dropped. Needs upstreamTls.',
      },
    }),
  ),
)

/** Whether an upstream on TCP is told who sends a request. */
export const forwarded = v.optional(
  v.pipe(
    v.boolean('may be true or false'),
    v.metadata({
      json: {
        type: 'boolean',
        description:
          'Whether an upstream on tcp:// gets X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-User and an X-Request-Id of the sidecar. Default false. A socket always gets them.',
      },
    }),
  ),
)

interface SettingMistake {
  readonly path: readonly (string | number)[]
  readonly message: string
}

type Row = Readonly<Record<string, unknown>>

/** Mistakes in one route that its settings show only together. It accepts rows that the schema refuses. */
export function wayOutMistakes(row: unknown, place: readonly (string | number)[]): SettingMistake[] {
  if (!isRow(row) || typeof row.upstream !== 'string') return []
  const isTcp = row.upstream.startsWith('tcp:')
  const at = (...keys: (string | number)[]) => [...place, ...keys]
  const mistakes: SettingMistake[] = []
  const add = (when: boolean, path: (string | number)[], message: string) => {
    if (when) mistakes.push({ path, message })
  }
  const tls = row.upstreamTls
  add(tls !== undefined && !isTcp, at('upstreamTls'), ONLY_TCP)
  if (isRow(tls)) {
    add(
      tls.certificate !== undefined && tls.key === undefined,
      at('upstreamTls', 'key'),
      'is missing: certificate needs it',
    )
    add(
      tls.key !== undefined && tls.certificate === undefined,
      at('upstreamTls', 'certificate'),
      'is missing: key needs it',
    )
  }
  add(row.allowAddresses !== undefined && row.kind !== 'connect' && !isTcp, at('allowAddresses'), ONLY_TCP)
  if (row.kind !== 'http') return mistakes
  add(
    row.forwarded !== undefined && !isTcp,
    at('forwarded'),
    `${ONLY_TCP}: a socket always gets these fields`,
  )
  add(row.allow === undefined && isTcp, at('allow'), REQUIRED)
  if (row.credentials === undefined) return mistakes
  add(!isTcp, at('credentials'), `${ONLY_TCP}, with upstreamTls`)
  add(isTcp && tls === undefined, at('credentials'), NEEDS_TLS)
  for (const index of traceRules(row.allow)) add(true, at('allow', index), TRACE)
  for (const index of passedCredentials(row)) add(true, at('passFields', index), PASSED)
  return mistakes
}

const ONLY_TCP = 'is only for an upstream on tcp://host:port'
const REQUIRED =
  'is missing: a route to an upstream on tcp://host:port has no default; name what the app may ask for, such as [POST /v1/charges]'
const NEEDS_TLS =
  'needs upstreamTls: without TLS everybody on the way to the upstream could read them; add upstreamTls: {}'
const TRACE =
  'may not have TRACE on a route with credentials: the response would show them to the app; remove TRACE'
const PASSED =
  'is also in credentials, and a field of that name from a client is always dropped; remove it here'

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function traceRules(allow: unknown): number[] {
  if (!Array.isArray(allow)) return []
  return allow.flatMap((rule: unknown, index) => {
    const [methods = ''] = typeof rule === 'string' ? rule.trimStart().split(' ', 1) : []
    return methods.split('|').includes('TRACE') ? [index] : []
  })
}

function passedCredentials({ passFields, credentials }: Row): number[] {
  if (!Array.isArray(passFields) || !isRow(credentials)) return []
  const names = new Set(Object.keys(credentials).map(foldedText))
  return passFields.flatMap((name: unknown, index) => (names.has(foldedText(`${name}`)) ? [index] : []))
}

function foldedText(name: string): string {
  return Buffer.from(foldedName(name)).toString('latin1')
}

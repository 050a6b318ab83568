import * as v from 'valibot'
import { CLIENT_CA_HANDSHAKES, TLS_BOUNDS } from './bounds.ts'
import { boundSchema, derivedBoundSchema, mapping } from './schema-parts.ts'

const PEM_PATH = 'may be the absolute path of a PEM file, such as /run/tls/tls.crt'
const MIN_VERSION = 'may be TLSv1.2 or TLSv1.3'

/** The path of a PEM file; also for the environment variables. */
export const pemPath = v.pipe(v.string(PEM_PATH), v.regex(/^\/[^\0]+$/, PEM_PATH))

function pemFile(description: string) {
  return v.pipe(pemPath, v.metadata({ json: { type: 'string', pattern: '^/.+', description } }))
}

const MAX_PROTOCOLS = 8
const PROTOCOL = /^[a-z0-9][a-z0-9./_-]{0,254}$/
const ALPN = `may be a list of 1 to ${MAX_PROTOCOLS} protocols by their names in ALPN, in lower case and each once, such as [h2]`
const H2C = 'may not have h2c, which is HTTP/2 without TLS: write h2'

/** Protocols of ALPN (RFC 7301), the preferred one first. Only for streams: conflicts.ts refuses it elsewhere. */
export function alpn(description: string) {
  return v.optional(
    v.pipe(
      v.array(v.pipe(v.string(ALPN), v.regex(PROTOCOL, ALPN)), ALPN),
      v.minLength(1, ALPN),
      v.maxLength(MAX_PROTOCOLS, ALPN),
      v.check((names) => new Set(names).size === names.length, ALPN),
      v.check((names) => !names.includes('h2c'), H2C),
      v.metadata({
        json: {
          type: 'array',
          minItems: 1,
          maxItems: MAX_PROTOCOLS,
          uniqueItems: true,
          items: { type: 'string', pattern: PROTOCOL.source },
          description,
        },
      }),
    ),
  )
}

const given = mapping({
  certificate: pemFile(
    'The certificate, followed by its intermediates, as PEM. Read again when the file changes.',
  ),
  key: pemFile(
    'The private key of the certificate, as PEM and not encrypted. Read again like the certificate.',
  ),
  clientCa: v.optional(
    pemFile(
      'The CAs of the clients, as PEM: each client is asked for a certificate of one of them, and may have none. Read again when the file changes.',
    ),
  ),
  minVersion: v.optional(
    v.pipe(
      v.picklist(['TLSv1.2', 'TLSv1.3'], MIN_VERSION),
      v.metadata({
        json: { enum: ['TLSv1.2', 'TLSv1.3'], description: 'The lowest version of TLS that is spoken.' },
      }),
    ),
    'TLSv1.2',
  ),
  alpn: alpn(
    'The protocols of a stream, such as [h2] for gRPC: a client must offer one of them by ALPN. Only with kind: stream. Default: any client, with ALPN or without.',
  ),
  handshakeTimeout: boundSchema(TLS_BOUNDS.handshakeTimeout),
  handshakes: derivedBoundSchema(TLS_BOUNDS.handshakes),
})

const tlsSettings = v.pipe(
  given,
  v.transform((settings) => ({ ...settings, handshakes: settings.handshakes ?? usualHandshakes(settings) })),
)

function usualHandshakes({ clientCa }: { readonly clientCa?: string | undefined }): number {
  return clientCa === undefined ? TLS_BOUNDS.handshakes.standard : CLIENT_CA_HANDSHAKES
}

/** TLS of one listener on TCP. conflicts.ts refuses it on a Unix socket. */
export const tls = v.optional(tlsSettings)

/** Validated; `handshakeTimeout` in milliseconds. */
export type TlsSettings = Readonly<v.InferOutput<typeof tlsSettings>>

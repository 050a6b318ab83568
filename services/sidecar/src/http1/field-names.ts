import { FOLDED } from './bytes.ts'
import { DROPPED_FIELDS } from './dropped-fields.ts'

/** The fields that the relay reads, drops or sets. All others are forwarded unread. */
export const FIELD = {
  unknown: 0,
  host: 1,
  contentLength: 2,
  transferEncoding: 3,
  connection: 4,
  upgrade: 5,
  expect: 6,
  /** Hop-by-hop by name (RFC 9110 section 7.6.1). */
  hopByHop: 7,
  /** Not forwarded in requests, see `DROPPED_FIELDS`. */
  dropped: 8,
  requestId: 9,
  scrapeTimeout: 10,
  /** Forwarded, but not allowed as a trailer. */
  trailer: 11,
  keepAlive: 12,
  date: 13,
  /** Forwarded, but refused as a trailer of a request: not every recipient reads trailers. */
  credentials: 17,
  /** The same; kept from the upstream when it is for the sidecar. */
  authorization: 18,
  maxForwards: 14,
  /** The name has a character other than letters, digits and `-`. */
  oddName: 15,
  /** The same for a name that some server reads as Host, Content-Length or Transfer-Encoding. */
  oddFraming: 16,
  /** W3C Trace Context: the sidecar sends its own, which continue those of the client. */
  traceparent: 19,
  tracestate: 20,
} as const

export type FieldId = (typeof FIELD)[keyof typeof FIELD]

const NAMES: Readonly<Record<string, FieldId>> = {
  host: FIELD.host,
  'content-length': FIELD.contentLength,
  'transfer-encoding': FIELD.transferEncoding,
  connection: FIELD.connection,
  upgrade: FIELD.upgrade,
  expect: FIELD.expect,
  'keep-alive': FIELD.keepAlive,
  'proxy-connection': FIELD.hopByHop,
  'proxy-authorization': FIELD.hopByHop,
  'http2-settings': FIELD.hopByHop,
  te: FIELD.hopByHop,
  trailer: FIELD.trailer,
  'x-request-id': FIELD.requestId,
  'x-prometheus-scrape-timeout-seconds': FIELD.scrapeTimeout,
  date: FIELD.date,
  authorization: FIELD.authorization,
  cookie: FIELD.credentials,
  'max-forwards': FIELD.maxForwards,
  traceparent: FIELD.traceparent,
  tracestate: FIELD.tracestate,
}

interface Candidate {
  readonly name: Uint8Array
  readonly id: FieldId
}

const PATTERNS = DROPPED_FIELDS.flatMap(({ names }) => names.map((name) => name.toLowerCase()))
const EXACT: readonly Candidate[] = [
  ...Object.entries(NAMES),
  ...PATTERNS.filter((name) => !name.endsWith('*')).map((name) => [name, FIELD.dropped] as const),
].map(([name, id]) => ({ name: Buffer.from(name), id }))
const PREFIXES = PATTERNS.filter((name) => name.endsWith('*')).map((name) => Buffer.from(name.slice(0, -1)))

const NONE: readonly Candidate[] = []
const NO_PREFIX: readonly Uint8Array[] = []

/** Names are shorter than this. */
const MAX_LENGTH = 64
/** Known names by length and last byte, so that a name is compared with two or three others at most. */
const BY_ENDING: (readonly Candidate[])[] = new Array(MAX_LENGTH * 256).fill(NONE)
for (const candidate of EXACT) {
  const ending = endingOf(candidate.name, 0, candidate.name.length)
  BY_ENDING[ending] = [...(BY_ENDING[ending] ?? NONE), candidate]
}
/** Known prefixes by their first byte. */
const PREFIXES_BY_START = Array.from({ length: 256 }, (_, byte) => {
  const all = PREFIXES.filter((prefix) => prefix[0] === byte)
  return all.length === 0 ? NO_PREFIX : all
})

/**
 * The field that `bytes[from, to)` names. Upper and lower case are the same, and every byte but letters and digits counts
 * as `-`: servers fold names in different ways (CGI and WSGI fold `_`, PHP also `.`), and no server may see a field that
 * the relay did not see.
 */
export function fieldId(bytes: Uint8Array, from: number, to: number): FieldId {
  const id = knownFieldId(bytes, from, to)
  return id === FIELD.unknown ? prefixId(bytes, from, to) : id
}

/** The same for a response, where no field is dropped by prefix. */
export function knownFieldId(bytes: Uint8Array, from: number, to: number): FieldId {
  if (to === from) return FIELD.unknown
  const candidates =
    to - from < MAX_LENGTH ? (BY_ENDING[endingOf(bytes, from, to)] as readonly Candidate[]) : NONE
  for (let i = 0; i < candidates.length; i++) {
    const { name, id } = candidates[i] as Candidate
    if (startsWith(bytes, from, name)) return id
  }
  return FIELD.unknown
}

function prefixId(bytes: Uint8Array, from: number, to: number): FieldId {
  if (to === from) return FIELD.unknown
  const prefixes = PREFIXES_BY_START[FOLDED[bytes[from] as number] as number] ?? NO_PREFIX
  for (let i = 0; i < prefixes.length; i++) {
    const prefix = prefixes[i] as Uint8Array
    if (prefix.length <= to - from && startsWith(bytes, from, prefix)) return FIELD.dropped
  }
  return FIELD.unknown
}

function endingOf(bytes: Uint8Array, from: number, to: number): number {
  return (to - from) * 256 + (FOLDED[bytes[to - 1] as number] as number)
}

function startsWith(bytes: Uint8Array, from: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (FOLDED[bytes[from + i] as number] !== name[i]) return false
  return true
}

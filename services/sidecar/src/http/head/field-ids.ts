import { FOLDED } from './characters.ts'

/** The fields that the relay itself reads, drops or sets; every other is forwarded unread. */
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
  /** Says where a request came from: only the relay may. */
  forwarded: 8,
  requestId: 9,
  scrapeTimeout: 10,
  /** End-to-end, and of importance to how a message is read. */
  trailer: 12,
  keepAlive: 13,
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
  forwarded: FIELD.forwarded,
  'x-forwarded-for': FIELD.forwarded,
  'x-forwarded-proto': FIELD.forwarded,
  'x-forwarded-host': FIELD.forwarded,
  'x-forwarded-port': FIELD.forwarded,
  'x-forwarded-prefix': FIELD.forwarded,
  'x-forwarded-server': FIELD.forwarded,
  'x-forwarded-scheme': FIELD.forwarded,
  'x-forwarded-ssl': FIELD.forwarded,
  'x-real-ip': FIELD.forwarded,
  'x-request-id': FIELD.requestId,
  'x-prometheus-scrape-timeout-seconds': FIELD.scrapeTimeout,
}

interface Candidate {
  readonly name: Uint8Array
  readonly id: FieldId
}

const BY_LENGTH: readonly (readonly Candidate[])[] = Array.from({ length: 36 }, (_, length) =>
  Object.entries(NAMES)
    .filter(([name]) => name.length === length)
    .map(([name, id]) => ({ name: Buffer.from(name), id })),
)

const NONE: readonly Candidate[] = []

/** The field that `bytes[from, to)` names, in any case and with `_` for `-`. */
export function fieldId(bytes: Uint8Array, from: number, to: number): FieldId {
  const candidates = BY_LENGTH[to - from] ?? NONE
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i] as Candidate
    if (isNamed(bytes, from, candidate.name)) return candidate.id
  }
  return FIELD.unknown
}

function isNamed(bytes: Uint8Array, from: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (FOLDED[bytes[from + i] as number] !== name[i]) return false
  return true
}

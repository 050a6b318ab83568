/** What a bound counts: milliseconds (written `5s`), bytes (written `16KiB`), or things. */
export type Unit = 'ms' | 'bytes' | 'count'

/** One row of the table of bounds: the schema, the defaults and the documentation all come from it. */
export interface Bound {
  readonly unit: Unit
  readonly standard: number
  readonly min: number
  readonly max: number
  /** What holds where it is not set is for the program to find out, `standard` at most. */
  readonly isDerived?: true
  /** What is bounded, and what happens past it. */
  readonly what: string
}

function bound(unit: Unit, standard: number, min: number, max: number, what: string): Bound {
  return { unit, standard, min, max, what }
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const connect = bound(
  'ms',
  SECOND,
  10,
  MINUTE,
  'until the upstream accepts a connection; then upstream_timeout',
)

const connections = {
  ...bound('count', 4_096, 1, 1_000_000, 'client connections at a time; then overloaded'),
  isDerived: true,
} as const

const connectionsPerAddress = bound(
  'count',
  1_024,
  1,
  1_000_000,
  'client connections of one address at a time; then overloaded',
)

export const STREAM_TIMEOUTS = {
  connect,
  idle: bound('ms', 10 * MINUTE, 100, 24 * HOUR, 'without a byte in either direction; then client_timeout'),
} as const

export const STREAM_LIMITS = { connections, connectionsPerAddress } as const

export const HTTP_TIMEOUTS = {
  connect,
  head: bound(
    'ms',
    10 * SECOND,
    10,
    10 * MINUTE,
    'from the first byte of a request head to its last; then 408',
  ),
  body: bound(
    'ms',
    30 * SECOND,
    10,
    HOUR,
    'without a byte of a body, in either direction; then 408, 504 or a reset',
  ),
  idle: bound('ms', MINUTE, 10, HOUR, 'a client connection without a request; then it is closed'),
  responseHead: bound('ms', 30 * SECOND, 10, HOUR, 'from the request to the head of its response; then 504'),
  total: bound('ms', 5 * MINUTE, 10, 24 * HOUR, 'a request and its response; then 408, 504 or a reset'),
  halfClosed: bound(
    'ms',
    SECOND,
    10,
    HOUR,
    'for a response after the client has ended its side; then it counts as gone',
  ),
  upstreamIdle: bound(
    'ms',
    4 * SECOND,
    10,
    HOUR,
    'an upstream connection without a request; then it is closed',
  ),
} as const

const KIBIBYTE = 1_024
const MEBIBYTE = 1_024 * KIBIBYTE
const GIBIBYTE = 1_024 * MEBIBYTE
const TEBIBYTE = MEBIBYTE * MEBIBYTE

export const HTTP_LIMITS = {
  headBytes: bound(
    'bytes',
    16 * KIBIBYTE,
    256,
    MEBIBYTE,
    'of a request head; then 431, or 414 for its first line alone',
  ),
  fields: bound('count', 128, 8, 1_024, 'field lines of a head; then 431, or upstream_too_large'),
  bodyBytes: bound('bytes', 10 * MEBIBYTE, 0, TEBIBYTE, 'of a request body, its coding included; then 413'),
  responseHeadBytes: bound(
    'bytes',
    32 * KIBIBYTE,
    256,
    MEBIBYTE,
    'of a response head; then upstream_too_large',
  ),
  responseBytes: bound(
    'bytes',
    256 * MEBIBYTE,
    0,
    TEBIBYTE,
    'of a response body, its coding included; then upstream_too_large, or a reset',
  ),
  responseBufferBytes: bound(
    'bytes',
    16 * MEBIBYTE,
    0,
    GIBIBYTE,
    'of responses that wait in memory for slow clients, a quarter of it for one address; then the upstream waits',
  ),
  connections,
  connectionsPerAddress,
  requestsPerConnection: bound(
    'count',
    10_000,
    1,
    1_000_000_000,
    'on a client connection; then it is closed',
  ),
  upstreamConnections: bound('count', 64, 1, 100_000, 'to the upstream at a time; then requests wait'),
  queue: bound('count', 256, 0, 1_000_000, 'requests that wait for an upstream connection; then overloaded'),
} as const

/** Connections to the operations port: few read it, and none for long. */
export const OPERATIONS_CONNECTIONS = 64

/** For the whole sidecar: how long the connections that are in use may go on after SIGTERM. */
export const DRAIN = bound(
  'ms',
  5 * SECOND,
  0,
  10 * MINUTE,
  'after SIGTERM for what is in flight; then the connections are reset',
)

/** Bounds as they are given: those that are derived may not be. */
export type GivenBounds<T extends Readonly<Record<string, Bound>>> = {
  readonly [K in keyof T]: T[K] extends { readonly isDerived: true } ? number | undefined : number
}

export type Bounds<T extends Readonly<Record<string, Bound>>> = Readonly<Record<keyof T, number>>

/** Every bound at its default. */
export function standardBounds<T extends Readonly<Record<string, Bound>>>(table: T): Bounds<T> {
  const entries = Object.entries(table).map(([name, row]) => [name, row.standard])
  return Object.fromEntries(entries) as Bounds<T>
}

/** The unit of a bound: milliseconds (written `5s`), bytes (written `16KiB`), or a plain count. */
export type Unit = 'ms' | 'bytes' | 'count'

/** One bound. The schema, the defaults and the documentation are all generated from it. */
export interface Bound {
  readonly unit: Unit
  readonly standard: number
  readonly min: number
  readonly max: number
  /** When the setting is absent, the program chooses the value at start: `standard` at most. */
  readonly isDerived?: true
  /** What is bounded, and what happens when the bound is reached. */
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
  'time for the upstream to accept a connection; then upstream_timeout',
)

const connections = {
  ...bound('count', 4_096, 1, 1_000_000, 'open client connections; then overloaded'),
  isDerived: true,
} as const

const connectionsPerAddress = bound(
  'count',
  1_024,
  1,
  1_000_000,
  'open client connections from one address, on a Unix socket of one user; then overloaded',
)

const proxyHeader = bound(
  'ms',
  5 * SECOND,
  10,
  MINUTE,
  'time from accepting a connection to the end of its PROXY header, with proxyProtocol; then it is reset',
)

export const STREAM_TIMEOUTS = {
  connect,
  proxyHeader,
  idle: bound(
    'ms',
    10 * MINUTE,
    100,
    24 * HOUR,
    'time without a byte in either direction; then client_timeout',
  ),
} as const

export const STREAM_LIMITS = { connections, connectionsPerAddress } as const

export const HTTP_TIMEOUTS = {
  connect,
  proxyHeader,
  head: bound(
    'ms',
    10 * SECOND,
    10,
    10 * MINUTE,
    'time from the first to the last byte of a request head; then 408',
  ),
  body: bound(
    'ms',
    30 * SECOND,
    10,
    HOUR,
    'time without a byte of a body, in either direction; then 408, 504 or a reset',
  ),
  idle: bound(
    'ms',
    MINUTE,
    10,
    HOUR,
    'time a client connection stays open without a request; then it is closed',
  ),
  responseHead: bound(
    'ms',
    30 * SECOND,
    10,
    HOUR,
    'time from the end of the request to the end of the response head; then 504',
  ),
  total: bound(
    'ms',
    5 * MINUTE,
    10,
    24 * HOUR,
    'time for a request and its response together; then 408, 504 or a reset',
  ),
  halfClosed: bound(
    'ms',
    SECOND,
    10,
    HOUR,
    'time to wait for a response after the client has closed its side; then the client counts as gone',
  ),
  upstreamIdle: bound(
    'ms',
    4 * SECOND,
    10,
    HOUR,
    'time an upstream connection stays open without a request; then it is closed',
  ),
  tunnelIdle: bound(
    'ms',
    10 * MINUTE,
    10,
    24 * HOUR,
    'time without a byte of a long response, or of an upgraded connection in either direction; then it is reset',
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
    'size of a request head; then 431, or 414 when the request line alone is larger',
  ),
  fields: bound(
    'count',
    128,
    8,
    1_024,
    'fields of a head; then 431 for a request, upstream_too_large for a response',
  ),
  bodyBytes: bound(
    'bytes',
    10 * MEBIBYTE,
    0,
    TEBIBYTE,
    'size of a request body, chunk lines included; then 413',
  ),
  responseHeadBytes: bound(
    'bytes',
    32 * KIBIBYTE,
    256,
    MEBIBYTE,
    'size of a response head; then upstream_too_large',
  ),
  responseBytes: bound(
    'bytes',
    256 * MEBIBYTE,
    0,
    TEBIBYTE,
    'size of a response body, chunk lines included; then upstream_too_large, or a reset',
  ),
  responseBufferBytes: bound(
    'bytes',
    16 * MEBIBYTE,
    0,
    GIBIBYTE,
    'memory for responses that wait for slow clients, a quarter of it for one address; then the upstream waits',
  ),
  connections,
  connectionsPerAddress,
  requestsPerConnection: bound(
    'count',
    10_000,
    1,
    1_000_000_000,
    'requests on one client connection; then it is closed',
  ),
  upstreamConnections: bound('count', 64, 1, 100_000, 'open connections to the upstream; then requests wait'),
  tunnels: bound(
    'count',
    1_024,
    0,
    100_000,
    'long responses and upgraded connections, beside upstreamConnections; then overloaded',
  ),
  queue: bound('count', 256, 0, 1_000_000, 'requests waiting for an upstream connection; then overloaded'),
} as const

export const CONNECT_TIMEOUTS = {
  head: bound(
    'ms',
    10 * SECOND,
    10,
    10 * MINUTE,
    'time from accepting a connection to the end of its CONNECT; then 408',
  ),
  connect: bound(
    'ms',
    5 * SECOND,
    10,
    MINUTE,
    'time for one of the addresses of the host to accept a connection; then upstream_timeout',
  ),
  hello: bound(
    'ms',
    5 * SECOND,
    10,
    MINUTE,
    'time from the 200 to the end of the ClientHello; then sni_mismatch',
  ),
  idle: bound(
    'ms',
    10 * MINUTE,
    100,
    24 * HOUR,
    'time without a byte in either direction of a tunnel; then client_timeout',
  ),
} as const

export const CONNECT_LIMITS = {
  headBytes: bound('bytes', 16 * KIBIBYTE, 256, MEBIBYTE, 'size of the head of a CONNECT; then 431'),
  fields: bound('count', 128, 8, 1_024, 'fields of the head of a CONNECT; then 431'),
  connections,
  connectionsPerAddress,
  tunnels: bound(
    'count',
    1_024,
    1,
    1_000_000,
    'tunnels at a time, those that are being dialled included; then overloaded',
  ),
} as const

/** Bounds of the readiness probe of an HTTP route. */
export const READY_BOUNDS = {
  within: bound(
    'ms',
    SECOND,
    10,
    MINUTE,
    'time for the upstream to respond to the readiness probe; then upstream_hung',
  ),
  every: bound(
    'ms',
    5 * SECOND,
    100,
    HOUR,
    'time between two readiness probes that nobody asks for; the operations port asks for more',
  ),
} as const

/** Bounds of a listener with `tls`. */
export const TLS_BOUNDS = {
  handshakeTimeout: bound(
    'ms',
    10 * SECOND,
    10,
    MINUTE,
    'time from accepting a connection to the end of its TLS handshake; then it is reset',
  ),
  handshakes: {
    ...bound(
      'count',
      512,
      2,
      100_000,
      'TLS handshakes at a time, half of them of one address; then the oldest is reset; with clientCa the default is 64',
    ),
    isDerived: true,
  },
} as const

/**
 * The default of `tls.handshakes` with `clientCa`: the chain of a client may cost 1 MiB until its handshake is done, because
 * OpenSSL takes 100 kB of certificates.
 */
export const CLIENT_CA_HANDSHAKES = 64

/** The most open connections of the operations port. Few clients use it, and each only briefly. */
export const OPERATIONS_CONNECTIONS = 64

/** The most TLS handshakes at a time on the operations port, beside its connections. */
export const OPERATIONS_HANDSHAKES = 32

/** How long connections in use may continue after SIGTERM, for the whole sidecar. */
export const DRAIN = bound(
  'ms',
  5 * SECOND,
  0,
  10 * MINUTE,
  'time after SIGTERM to finish requests and streams; then their connections are reset',
)

/** Bounds as the configuration file gives them: derived ones may be absent. */
export type GivenBounds<T extends Readonly<Record<string, Bound>>> = {
  readonly [K in keyof T]: T[K] extends { readonly isDerived: true } ? number | undefined : number
}

/** A value for every bound of a table, in its unit: milliseconds, bytes or a count. */
export type Bounds<T extends Readonly<Record<string, Bound>>> = Readonly<Record<keyof T, number>>

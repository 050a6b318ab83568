/** Exit codes of every program here, after sysexits(3). */
export const EXIT = {
  ok: 0,
  /** EX_USAGE: the command line itself is wrong. */
  usage: 64,
  /** EX_UNAVAILABLE: nothing answers at the endpoint. */
  notAnswering: 69,
  /** EX_SOFTWARE: a defect of ours. */
  internal: 70,
  /** EX_CANTCREAT: something that is not ours stands at the path. */
  cannotCreate: 73,
  /** EX_TEMPFAIL: somebody else owns the endpoint; trying later may help. */
  inUse: 75,
  /** EX_NOPERM: file permissions, a read-only mount or a foreign group. */
  denied: 77,
  /** EX_CONFIG: a setting or a mount is wrong. */
  badConfig: 78,
  /** What a shell reports of a program that SIGINT ended: 128 + 2. */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export type LogLevel = 'info' | 'warn' | 'error'

/** What one failure means everywhere: to an HTTP client, to a shell, and in the log. */
export interface FailureRow {
  /** HTTP status of a proxied request; null where no response can be given any more or the failure is not of a request. */
  readonly status: number | null
  readonly exitCode: ExitCode
  readonly level: LogLevel
  /** One line, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string
}

function row(status: number | null, exitCode: ExitCode, level: LogLevel, title: string): FailureRow {
  return { status, exitCode, level, title }
}

const INTERNAL_ERROR_STATUS = 500

/**
 * The failure contract: the one table that maps a condition to its code (also the metric label),
 * status, exit code and log level. `docs/failure-modes.md` shows it with the test that proves each row.
 */
export const FAILURES = {
  // An upstream that does not answer
  socket_missing: row(503, EXIT.notAnswering, 'warn', 'No file at the socket path'),
  socket_stale: row(503, EXIT.notAnswering, 'warn', 'A socket file, and nobody listens on it'),
  socket_denied: row(502, EXIT.denied, 'error', 'File permissions deny the connection'),
  not_a_socket: row(502, EXIT.badConfig, 'error', 'The path is not a stream socket'),
  backlog_full: row(503, EXIT.notAnswering, 'warn', 'The listen backlog is full'),
  connection_refused: row(503, EXIT.notAnswering, 'warn', 'Nobody listens on the TCP port'),
  host_unreachable: row(502, EXIT.notAnswering, 'warn', 'Host unreachable'),
  host_unknown: row(502, EXIT.notAnswering, 'warn', 'The host name does not resolve'),
  upstream_timeout: row(504, EXIT.notAnswering, 'warn', 'No connection or no response in time'),
  upstream_reset: row(502, EXIT.notAnswering, 'warn', 'Closed before a complete response head'),
  upstream_malformed: row(502, EXIT.notAnswering, 'error', 'The response is not valid HTTP'),
  upstream_too_large: row(502, EXIT.notAnswering, 'error', 'The response is over its limit'),
  upstream_truncated: row(null, EXIT.notAnswering, 'error', 'The response was cut in mid-body'),
  unhealthy: row(null, EXIT.notAnswering, 'warn', 'The health check got a response, and not a good one'),
  // A request that is refused
  path_not_allowed: row(403, EXIT.denied, 'info', 'The path is not on the allow list'),
  method_not_allowed: row(405, EXIT.denied, 'info', 'The method is not allowed for this path'),
  bad_request: row(400, EXIT.usage, 'info', 'The request is not valid HTTP'),
  client_timeout: row(408, EXIT.usage, 'info', 'The client took too long to send its request'),
  body_too_large: row(413, EXIT.usage, 'info', 'The request body is over its limit'),
  uri_too_long: row(414, EXIT.usage, 'info', 'The request line is over its limit'),
  head_too_large: row(431, EXIT.usage, 'info', 'The request head is over its limit'),
  upgrade_refused: row(501, EXIT.usage, 'info', 'Upgrade and CONNECT are not relayed'),
  overloaded: row(503, EXIT.notAnswering, 'warn', 'Too many connections'),
  draining: row(503, EXIT.notAnswering, 'info', 'Shutting down'),
  dependency_down: row(503, EXIT.notAnswering, 'warn', 'A service that this one needs does not answer'),
  not_found: row(404, EXIT.usage, 'info', 'Nothing is served at this path'),
  feature_off: row(403, EXIT.denied, 'info', 'The feature is switched off'),
  // An endpoint that cannot be bound
  in_use: row(null, EXIT.inUse, 'error', 'Somebody else owns the endpoint'),
  path_occupied: row(null, EXIT.cannotCreate, 'error', 'Something that is not a socket stands at the path'),
  path_too_long: row(null, EXIT.badConfig, 'error', 'The socket path is too long'),
  bad_endpoint: row(null, EXIT.badConfig, 'error', 'Not a valid endpoint'),
  bad_option: row(null, EXIT.badConfig, 'error', 'An option that does not go with this endpoint'),
  bad_config: row(null, EXIT.badConfig, 'error', 'The configuration is not valid'),
  directory_missing: row(null, EXIT.badConfig, 'error', 'The directory of the socket does not exist'),
  directory_unsafe: row(null, EXIT.badConfig, 'error', 'Anybody may replace files in the directory'),
  directory_denied: row(null, EXIT.denied, 'error', 'The directory may not be written to'),
  group_denied: row(null, EXIT.denied, 'error', 'The socket may not be given to that group'),
  address_denied: row(null, EXIT.denied, 'error', 'The address may not be bound'),
  lock_unavailable: row(null, EXIT.badConfig, 'error', 'The kernel lock cannot be had'),
  peer_unknown: row(null, EXIT.badConfig, 'error', 'The user behind a Unix socket cannot be known'),
  internal_error: row(INTERNAL_ERROR_STATUS, EXIT.internal, 'error', 'A defect of this program'),
  io_error: row(502, EXIT.internal, 'error', 'The system refused for another reason'),
} as const satisfies Record<string, FailureRow>

export type FailureCode = keyof typeof FAILURES

/**
 * The HTTP status of a response that tells of this failure. One that is not of a request, and so has no status of its
 * own, is a defect of whoever tells it over HTTP.
 */
export function statusOf(code: FailureCode): number {
  return FAILURES[code].status ?? INTERNAL_ERROR_STATUS
}

/** Of every status in the table; `node:http` has them too, and takes 10 ms to load. */
export const STATUS_PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

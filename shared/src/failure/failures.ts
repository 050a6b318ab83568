/** Exit codes of every program here, after sysexits(3). */
export const EXIT = {
  ok: 0,
  /** EX_USAGE: the command line itself is wrong. */
  usage: 64,
  /** EX_UNAVAILABLE: the endpoint gives no good response. */
  notAnswering: 69,
  /** EX_SOFTWARE: a defect of this program. */
  internal: 70,
  /** EX_CANTCREAT: a file that is not a socket stands at the path. */
  cannotCreate: 73,
  /** EX_TEMPFAIL: another server owns the endpoint; a later try may succeed. */
  inUse: 75,
  /** EX_NOPERM: file permissions, a read-only mount or a foreign group. */
  denied: 77,
  /** EX_CONFIG: a setting or a mount is wrong. */
  badConfig: 78,
  /** Ended by SIGINT: 128 + 2, as a shell reports it. */
  interrupted: 130,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export type LogLevel = 'info' | 'warn' | 'error'

/** The phrase of each HTTP status that a row may have (RFC 9110). `node:http` has them too, and takes 10 ms to load. */
export const STATUS_PHRASES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const

export type FailureStatus = keyof typeof STATUS_PHRASES

/** What one failure means to an HTTP client, to a shell and in the log. */
export interface FailureRow {
  /** Status of an HTTP response that reports it; null where none can be sent any more, or it is no failure of a request. */
  readonly status: FailureStatus | null
  readonly exitCode: ExitCode
  readonly level: LogLevel
  /** One line, the same for every occurrence (RFC 9457 `title`). */
  readonly title: string
}

export function failureRow<const S extends FailureStatus | null>(
  status: S,
  exitCode: ExitCode,
  level: LogLevel,
  title: string,
): FailureRow & { readonly status: S } {
  return { status, exitCode, level, title }
}

/**
 * The failure contract: the codes that two services use. This table alone decides status, title, exit code and log
 * level of a code, which is the metric label too. A service adds codes of its own in a table of the same rows, such as
 * `services/app/src/failures.ts`. `docs/failure-modes.md` shows each row with the test that proves it.
 */
export const FAILURES = {
  // The upstream fails
  socket_missing: failureRow(503, EXIT.notAnswering, 'warn', 'No file at the socket path'),
  socket_stale: failureRow(503, EXIT.notAnswering, 'warn', 'A socket file, and nobody listens on it'),
  socket_denied: failureRow(502, EXIT.denied, 'error', 'File permissions deny the connection'),
  not_a_socket: failureRow(502, EXIT.badConfig, 'error', 'The path is not a stream socket'),
  backlog_full: failureRow(503, EXIT.notAnswering, 'warn', 'The listen backlog is full'),
  connection_refused: failureRow(503, EXIT.notAnswering, 'warn', 'Nobody listens on the TCP port'),
  host_unreachable: failureRow(502, EXIT.notAnswering, 'warn', 'Host unreachable'),
  host_unknown: failureRow(502, EXIT.notAnswering, 'warn', 'The host name does not resolve'),
  upstream_timeout: failureRow(504, EXIT.notAnswering, 'warn', 'No connection or no response in time'),
  upstream_hung: failureRow(503, EXIT.notAnswering, 'warn', 'The readiness probe got no response in time'),
  upstream_reset: failureRow(502, EXIT.notAnswering, 'warn', 'Closed before a complete response head'),
  upstream_malformed: failureRow(502, EXIT.notAnswering, 'error', 'The response is not valid HTTP'),
  upstream_too_large: failureRow(502, EXIT.notAnswering, 'error', 'The response is over its limit'),
  upstream_truncated: failureRow(
    null,
    EXIT.notAnswering,
    'error',
    'The response ended in the middle of its body',
  ),
  tls_untrusted: failureRow(502, EXIT.notAnswering, 'error', 'The certificate of the server is not trusted'),
  tls_expired: failureRow(
    502,
    EXIT.notAnswering,
    'error',
    'The certificate of the server is not valid today',
  ),
  tls_name_mismatch: failureRow(
    502,
    EXIT.notAnswering,
    'error',
    'The certificate of the server has another name',
  ),
  tls_refused: failureRow(502, EXIT.notAnswering, 'error', 'The server does not complete the TLS handshake'),
  unhealthy: failureRow(null, EXIT.notAnswering, 'warn', 'The health check got a bad status'),
  // The request is refused
  path_not_allowed: failureRow(403, EXIT.denied, 'info', 'The path is not on the allow list'),
  method_not_allowed: failureRow(405, EXIT.denied, 'info', 'The method is not allowed for this path'),
  egress_denied: failureRow(403, EXIT.denied, 'info', 'The way out does not lead to this host'),
  sni_mismatch: failureRow(null, EXIT.denied, 'info', 'The tunnel does not begin with TLS for its host'),
  bad_request: failureRow(400, EXIT.usage, 'info', 'The request is not valid HTTP'),
  unauthenticated: failureRow(401, EXIT.denied, 'info', 'The request has no credential, and needs one'),
  bad_credentials: failureRow(401, EXIT.denied, 'info', 'The credential proves nobody'),
  not_permitted: failureRow(403, EXIT.denied, 'info', 'The caller may not do this'),
  too_many_attempts: failureRow(429, EXIT.denied, 'warn', 'Too many attempts with a wrong credential'),
  wrong_host: failureRow(421, EXIT.usage, 'info', 'The request is for another host name'),
  tls_required: failureRow(400, EXIT.usage, 'info', 'Plain HTTP on a TLS port'),
  client_timeout: failureRow(408, EXIT.usage, 'info', 'The client took too long to send its request'),
  body_too_large: failureRow(413, EXIT.usage, 'info', 'The request body is over its limit'),
  uri_too_long: failureRow(414, EXIT.usage, 'info', 'The request line is over its limit'),
  expectation_failed: failureRow(417, EXIT.usage, 'info', 'The request expects what the sidecar cannot do'),
  head_too_large: failureRow(431, EXIT.usage, 'info', 'The request head is over its limit'),
  upgrade_refused: failureRow(501, EXIT.usage, 'info', 'Upgrade and CONNECT are not relayed'),
  overloaded: failureRow(503, EXIT.notAnswering, 'warn', 'Too many connections'),
  draining: failureRow(503, EXIT.notAnswering, 'info', 'Shutting down'),
  // A server does not start
  in_use: failureRow(null, EXIT.inUse, 'error', 'Another server owns the endpoint'),
  path_occupied: failureRow(
    null,
    EXIT.cannotCreate,
    'error',
    'Something that is not a socket stands at the path',
  ),
  path_too_long: failureRow(null, EXIT.badConfig, 'error', 'The socket path is too long'),
  bad_endpoint: failureRow(null, EXIT.badConfig, 'error', 'Not a valid endpoint'),
  bad_option: failureRow(null, EXIT.badConfig, 'error', 'The option does not fit this endpoint'),
  bad_config: failureRow(null, EXIT.badConfig, 'error', 'The configuration is not valid'),
  directory_missing: failureRow(null, EXIT.badConfig, 'error', 'The directory of the socket does not exist'),
  directory_unsafe: failureRow(null, EXIT.badConfig, 'error', 'Anybody may replace files in the directory'),
  directory_denied: failureRow(null, EXIT.denied, 'error', 'The directory may not be written to'),
  group_denied: failureRow(null, EXIT.denied, 'error', 'The socket cannot be given to that group'),
  address_denied: failureRow(null, EXIT.denied, 'error', 'The address may not be bound'),
  lock_unavailable: failureRow(null, EXIT.badConfig, 'error', 'The kernel lock is not available'),
  peer_unknown: failureRow(
    null,
    EXIT.badConfig,
    'error',
    'The user at the other end of a Unix socket cannot be known',
  ),
  internal_error: failureRow(500, EXIT.internal, 'error', 'A defect of this program'),
  io_error: failureRow(502, EXIT.internal, 'error', 'The system reported another error'),
} as const satisfies Record<string, FailureRow>

export type FailureCode = keyof typeof FAILURES

/**
 * The codes that say what an upstream did, or did not do. Every other code says what we refuse, or a defect of ours.
 * Whoever watches the upstream is alerted by these alone.
 */
export const UPSTREAM_CODES: ReadonlySet<FailureCode> = new Set([
  'socket_missing',
  'socket_stale',
  'socket_denied',
  'not_a_socket',
  'backlog_full',
  'connection_refused',
  'host_unreachable',
  'host_unknown',
  'upstream_timeout',
  'upstream_hung',
  'upstream_reset',
  'upstream_malformed',
  'upstream_too_large',
  'upstream_truncated',
  'tls_untrusted',
  'tls_expired',
  'tls_name_mismatch',
  'tls_refused',
  'unhealthy',
  'io_error',
])

/** Whether a code says what we refuse, or a defect of ours, and not what an upstream did. */
export function isRefusal(code: FailureCode): boolean {
  return !UPSTREAM_CODES.has(code)
}

/**
 * The HTTP status of a response that reports a failure of this row. A row without a status is no failure of a request:
 * to report one over HTTP is a defect, and so is the response, a 500.
 */
export function statusOfRow({ status }: FailureRow): FailureStatus {
  return status ?? FAILURES.internal_error.status
}

/** The same for a code of {@link FAILURES}. */
export function statusOf(code: FailureCode): FailureStatus {
  return statusOfRow(FAILURES[code])
}

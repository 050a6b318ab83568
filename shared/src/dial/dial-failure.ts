import type { BigIntStats, Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import type { FailureCode } from '../failure/failures.ts'

export type FileKind = 'socket' | 'regular file' | 'directory' | 'fifo' | 'symlink' | 'device'

/** What stands at a path, in the words that messages use. */
export function fileKind(stats: Stats | BigIntStats): FileKind {
  if (stats.isSocket()) return 'socket'
  if (stats.isFile()) return 'regular file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isSymbolicLink()) return 'symlink'
  return 'device'
}

type Explanation = readonly [code: FailureCode, what: string, hint: string]

/** The server ended while the connection waited in its backlog, or closes what it accepts. */
const CLOSED_AT_ONCE: Explanation = [
  'upstream_reset',
  'the connection was reset at once',
  'the server ended or hangs up; look at its log',
]

/** Of this process, or of the whole system: no fault of the upstream. */
const NO_DESCRIPTOR = [
  'overloaded',
  'no descriptor is left to connect with',
  'raise the limit of descriptors (ulimits: nofile in Compose), or allow fewer connections',
] as const

const UNIX: Record<string, Explanation> = {
  ENOENT: [
    'socket_missing',
    'there is no such file',
    'start the app, and mount the volume that holds its socket',
  ],
  ENOTDIR: ['socket_missing', 'a part of its path is not a directory', 'correct the path'],
  ECONNREFUSED: [
    'socket_stale',
    'nobody listens on it',
    'the app crashed and left its socket file: start it again',
  ],
  EACCES: [
    'socket_denied',
    'file permissions deny it',
    'join the group of the socket (group_add in Compose)',
  ],
  EPERM: ['socket_denied', 'the system denies it', 'join the group of the socket (group_add in Compose)'],
  EAGAIN: [
    'backlog_full',
    'its listen backlog is full',
    'the app does not accept: it is paused or overloaded',
  ],
  EPROTOTYPE: ['not_a_socket', 'it is a socket of another type than stream', 'correct the path'],
  ELOOP: ['not_a_socket', 'its path is a loop of symbolic links', 'correct the link, or the path'],
  ENAMETOOLONG: [
    'not_a_socket',
    'a symbolic link on its path leads to a name that is too long',
    'correct the link, or the path',
  ],
  ECONNRESET: CLOSED_AT_ONCE,
  EPIPE: CLOSED_AT_ONCE,
  EMFILE: NO_DESCRIPTOR,
  ENFILE: NO_DESCRIPTOR,
}

const TCP: Record<string, Explanation> = {
  ECONNREFUSED: ['connection_refused', 'nobody listens on the port', 'start the server, or correct the port'],
  ECONNRESET: CLOSED_AT_ONCE,
  EPIPE: CLOSED_AT_ONCE,
  EACCES: ['socket_denied', 'the system denies it', 'look at firewall and security policy'],
  ENETUNREACH: [
    'host_unreachable',
    'there is no route',
    'this process may have no network (network_mode: none)',
  ],
  EHOSTUNREACH: [
    'host_unreachable',
    'there is no route to the host',
    'correct the host, or join its network',
  ],
  EADDRNOTAVAIL: ['host_unreachable', 'no local address is left', 'wait, or close idle connections'],
  ENOTFOUND: ['host_unknown', 'the name does not resolve', 'correct the host, or join its network'],
  EAI_AGAIN: [
    'host_unknown',
    'the name server does not answer',
    'correct the host, or join a network that has DNS',
  ],
  EMFILE: NO_DESCRIPTOR,
  ENFILE: NO_DESCRIPTOR,
  ETIMEDOUT: ['upstream_timeout', 'the host does not answer', 'correct the host, or look at the firewall'],
}

/** Turns what `connect` reported into the closed set of codes; looks at the file where errno alone is ambiguous. */
export async function dialFailure(endpoint: Endpoint, cause: unknown): Promise<Failure> {
  const errno = errnoOf(cause) ?? 'EUNKNOWN'
  const table = endpoint.kind === 'tcp' ? TCP : UNIX
  const [code, what, hint] = table[errno] ?? ['io_error', 'the system refused', 'see errno, and connect(2)']
  if (endpoint.kind === 'abstract' && code === 'socket_stale') return noSuchName(endpoint.name, cause)
  const other = endpoint.kind === 'unix' && code === 'socket_stale' ? await kindAt(endpoint.path) : undefined
  if (other !== undefined) return notASocket(endpoint, other, cause)
  return new Failure(code, {
    message: `cannot connect to ${formatEndpoint(endpoint)}: ${what}`,
    hint,
    errno,
    cause,
  })
}

/** Linux says ECONNREFUSED for a regular file, a directory, a fifo and a device too (unix(7)). */
async function kindAt(path: string): Promise<string | undefined> {
  const kind = await stat(path).then(fileKind, () => undefined)
  return kind === 'socket' ? undefined : kind
}

function notASocket(endpoint: Endpoint, kind: string, cause: unknown): Failure {
  return new Failure('not_a_socket', {
    message: `cannot connect to ${formatEndpoint(endpoint)}: it is a ${kind}`,
    hint: 'correct the path, or remove what stands there',
    cause,
  })
}

function noSuchName(name: string, cause: unknown): Failure {
  return new Failure('socket_missing', {
    message: `cannot connect to unix:@${name}: nobody listens on that name in this network namespace`,
    hint: 'an abstract name is seen only by processes that share the network namespace (network_mode: service:app)',
    cause,
  })
}

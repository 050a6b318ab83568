import type { BigIntStats, Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { type Explanation, type Explanations, errnoOrUnknown, explained, HINTS } from '../failure/explain.ts'
import type { Failure } from '../failure/failure.ts'

export type FileKind = 'socket' | 'regular file' | 'directory' | 'fifo' | 'symlink' | 'device'

/** The type of a file, in the words that messages use. */
export function fileKind(stats: Stats | BigIntStats): FileKind {
  if (stats.isSocket()) return 'socket'
  if (stats.isFile()) return 'regular file'
  if (stats.isDirectory()) return 'directory'
  if (stats.isFIFO()) return 'fifo'
  if (stats.isSymbolicLink()) return 'symlink'
  return 'device'
}

/** The server ended while the connection waited in its backlog, or it closes each connection that it accepts. */
const CLOSED_AT_ONCE: Explanation = ['upstream_reset', 'the connection was reset at once', HINTS.ended]

/** This process, or the whole system, has too many files open: not a fault of the upstream. */
const NO_DESCRIPTOR: Explanation = ['overloaded', 'no descriptor is left', HINTS.moreDescriptors]

/** What socket(2) says, before anything is dialled. */
const NO_FAMILY = 'this process may make no socket of its address family'

const UNIX: Explanations = {
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
  EACCES: ['socket_denied', 'file permissions deny it', HINTS.joinGroup],
  EPERM: ['socket_denied', 'the system denies it', HINTS.joinGroup],
  EAGAIN: [
    'backlog_full',
    'its listen backlog is full',
    'the app does not accept connections: it is paused or overloaded',
  ],
  EPROTOTYPE: ['not_a_socket', 'it is a socket, but not a stream socket', 'correct the path'],
  ELOOP: ['not_a_socket', 'its path has a loop of symbolic links', HINTS.fixLink],
  ENAMETOOLONG: [
    'not_a_socket',
    'a symbolic link on its path leads to a name that is too long',
    HINTS.fixLink,
  ],
  ECONNRESET: CLOSED_AT_ONCE,
  EPIPE: CLOSED_AT_ONCE,
  EMFILE: NO_DESCRIPTOR,
  ENFILE: NO_DESCRIPTOR,
}

const TCP: Explanations = {
  ECONNREFUSED: ['connection_refused', 'nobody listens on the port', 'start the server, or correct the port'],
  ECONNRESET: CLOSED_AT_ONCE,
  EPIPE: CLOSED_AT_ONCE,
  EACCES: ['socket_denied', 'the system denies it', 'check the firewall and the security policy'],
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
  EAFNOSUPPORT: ['host_unreachable', NO_FAMILY, HINTS.allowFamily],
  EADDRNOTAVAIL: ['host_unreachable', 'no local port is left', 'wait, or close idle connections'],
  ENOTFOUND: ['host_unknown', 'the name does not resolve', 'correct the host, or join its network'],
  EAI_AGAIN: [
    'host_unknown',
    'the name server does not respond',
    'correct the host, or join a network that has DNS',
  ],
  EMFILE: NO_DESCRIPTOR,
  ENFILE: NO_DESCRIPTOR,
  ETIMEDOUT: ['upstream_timeout', 'the host does not respond', 'correct the host, or check the firewall'],
}

/**
 * Explains why `connect` failed. Looks at the file where errno alone is ambiguous.
 * @param cause what the system reported, an error with an errno as its `code`
 * @returns a Failure with one of the codes of `dial`; `io_error` for an errno that is not known
 */
export async function dialFailure(endpoint: Endpoint, cause: unknown): Promise<Failure> {
  const table = endpoint.kind === 'tcp' ? TCP : UNIX
  const explanation = table[errnoOrUnknown(cause)]
  const call = { verb: 'connect to', page: 'connect(2)', endpoint, cause } as const
  return explained(
    call,
    explanation?.[0] === 'socket_stale' ? await refused(endpoint, explanation) : explanation,
  )
}

/**
 * Linux reports ECONNREFUSED for a regular file, a directory, a fifo and a device too, and for an abstract name that
 * nobody has (unix(7)).
 */
async function refused(endpoint: Endpoint, stale: Explanation): Promise<Explanation> {
  if (endpoint.kind === 'abstract') return NO_SUCH_NAME
  const kind = endpoint.kind === 'unix' ? await kindAt(endpoint.path) : undefined
  if (kind === undefined) return stale
  return ['not_a_socket', `it is a ${kind}`, 'correct the path, or remove what stands there']
}

const NO_SUCH_NAME: Explanation = [
  'socket_missing',
  'nobody listens on that name in this network namespace',
  'an abstract name is seen only by processes that share the network namespace (network_mode: service:app)',
]

async function kindAt(path: string): Promise<string | undefined> {
  const kind = await stat(path).then(fileKind, () => undefined)
  return kind === 'socket' ? undefined : kind
}

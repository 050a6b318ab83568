import { type Endpoint, formatEndpoint } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from './failure.ts'
import type { FailureCode } from './failures.ts'

/**
 * Advice that more than one failure gives, so that each sentence stands once. Advice for a single failure stands
 * beside it.
 */
export const HINTS = {
  /** The server accepted a connection, or its backlog did, and does not go on. */
  paused: 'the server may be paused or overloaded: check it, or allow more time',
  /** The server closed a connection in the middle of its work. */
  ended: 'the server ended or crashed: see its log',
  wrongProtocol: 'the server may speak another protocol: check the endpoint',
  joinGroup: 'join the group of the socket (group_add in Compose)',
  moreDescriptors: 'raise the limit of descriptors (ulimits: nofile in Compose), or allow fewer connections',
  fixLink: 'correct the link, or the path',
  mountDirectory:
    'mount the directory of the socket, never the single socket file: a mounted file cannot be replaced',
  /** deploy/seccomp allows Unix sockets alone; a kernel without IPv6 gives the same errno. */
  allowFamily:
    'a seccomp profile or RestrictAddressFamilies= may allow Unix sockets alone, or IPv6 is off: use a Unix socket, or allow it',
  securityPolicy: 'check seccomp, AppArmor and SELinux',
} as const

/** What an errno means for one system call: the code, the words after `cannot …:`, and what to do. */
export type Explanation = readonly [code: FailureCode, what: string, hint: string]

export type Explanations = Readonly<Record<string, Explanation>>

/** What failed, and the manual page of its system call. */
export interface FailedCall {
  readonly verb: 'connect to' | 'listen on'
  readonly page: 'connect(2)' | 'bind(2)'
  readonly endpoint: Endpoint
  /** What the system reported. */
  readonly cause: unknown
}

/** The system's name of the error that `cause` is; `EUNKNOWN` where it has none, so that no table explains it. */
export function errnoOrUnknown(cause: unknown): string {
  return errnoOf(cause) ?? 'EUNKNOWN'
}

/** The failure that `explanation` describes, or `io_error` for an errno that no table explains. */
export function explained(
  { verb, page, endpoint, cause }: FailedCall,
  explanation: Explanation | undefined,
): Failure {
  const [code, what, hint] = explanation ?? [
    'io_error',
    'the system reported an error',
    `see errno, and ${page}`,
  ]
  return new Failure(code, {
    message: `cannot ${verb} ${formatEndpoint(endpoint)}: ${what}`,
    hint,
    errno: errnoOrUnknown(cause),
    cause,
  })
}

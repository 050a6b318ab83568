import type { Endpoint } from '../endpoint/endpoint.ts'
import { formatEndpoint } from '../endpoint/format-endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import type { FailureCode } from '../failure/failures.ts'

type Explanation = readonly [code: FailureCode, what: string, hint: string]

const NO_SUCH_HOST = [
  'bad_endpoint',
  'the host name does not resolve',
  'use an address of this machine',
] as const

const ADDRESS: Record<string, Explanation> = {
  EADDRINUSE: ['in_use', 'another server owns it', 'stop it first, or choose another endpoint'],
  EADDRNOTAVAIL: [
    'bad_endpoint',
    'this machine has no such address',
    'use 0.0.0.0, or an address of this machine',
  ],
  ENOTFOUND: NO_SUCH_HOST,
  EAI_AGAIN: NO_SUCH_HOST,
  EACCES: ['address_denied', 'the system denies it', 'use a port from 1024 up'],
  EPERM: ['address_denied', 'the system denies it', 'look at seccomp and security policy'],
  EBADF: [
    'bad_option',
    'the descriptor is not open',
    'pass on the descriptor that systemd gave (LISTEN_FDS)',
  ],
  EINVAL: [
    'bad_option',
    'the descriptor is no listening stream socket',
    'pass on the descriptor that systemd gave',
  ],
}

const FILE: Record<string, Explanation> = {
  EACCES: [
    'directory_denied',
    'the system denies it',
    'look at the rights of the directory, and at AppArmor or SELinux',
  ],
  EPERM: ['directory_denied', 'the system denies it', 'look at seccomp, AppArmor or SELinux'],
  EROFS: ['directory_denied', 'the mount is read-only', 'take :ro (read_only: true) from this mount'],
  ENOSPC: ['io_error', 'the volume is full', "raise size= in the volume's driver_opts, or remove files"],
  EDQUOT: ['io_error', 'the quota is used up', 'raise it, or remove files'],
}

/** Turns what listening reported into the closed set of codes. */
export function listenFailure(endpoint: Endpoint, cause: unknown): Failure {
  const errno = errnoOf(cause) ?? 'EUNKNOWN'
  const table = endpoint.kind === 'unix' ? { ...ADDRESS, ...FILE } : ADDRESS
  const [code, what, hint] = table[errno] ?? ['io_error', 'the system refused', 'see errno, and bind(2)']
  return new Failure(code, {
    message: `cannot listen on ${formatEndpoint(endpoint)}: ${what}`,
    hint,
    errno,
    cause,
  })
}

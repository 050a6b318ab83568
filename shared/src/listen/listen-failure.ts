import type { Endpoint } from '../endpoint/endpoint.ts'
import { formatEndpoint } from '../endpoint/format-endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import type { FailureCode } from '../failure/failures.ts'

type Explanation = readonly [code: FailureCode, what: string, hint: string]

const EXPLANATIONS: Record<string, Explanation> = {
  EADDRINUSE: ['in_use', 'another server owns it', 'stop it first, or choose another endpoint'],
  EADDRNOTAVAIL: [
    'bad_endpoint',
    'this machine has no such address',
    'use 0.0.0.0, or an address of this machine',
  ],
  ENOTFOUND: ['bad_endpoint', 'the host name does not resolve', 'use an address of this machine'],
  EAI_AGAIN: ['bad_endpoint', 'the host name does not resolve', 'use an address of this machine'],
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

/** Turns what listening reported into the closed set of codes. */
export function listenFailure(endpoint: Endpoint, cause: unknown): Failure {
  const errno = errnoOf(cause) ?? 'EUNKNOWN'
  const [code, what, hint] = EXPLANATIONS[errno] ?? [
    'io_error',
    'the system refused',
    'see errno, and bind(2)',
  ]
  return new Failure(code, {
    message: `cannot listen on ${formatEndpoint(endpoint)}: ${what}`,
    hint,
    errno,
    cause,
  })
}

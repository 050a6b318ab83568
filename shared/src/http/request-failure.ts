import type { Duplex } from 'node:stream'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { formatEndpoint } from '../endpoint/format-endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'

/** Turns what `node:http` reported before a response head into the closed set of codes. */
export function requestFailure(endpoint: Endpoint, cause: unknown): Failure {
  if (cause instanceof Failure) return cause
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'HPE_HEADER_OVERFLOW') return headTooLarge(endpoint, cause)
  if (code.startsWith('HPE_')) return malformed(endpoint, 'something that is not HTTP', cause)
  if (cause instanceof TypeError && code.startsWith('ERR_')) return badRequest(endpoint, cause)
  return new Failure('upstream_reset', {
    message: `${formatEndpoint(endpoint)} closed the connection before an answer`,
    hint: 'the process behind it ended or crashed; look at its log',
    cause,
  })
}

/** For an upgrade that nobody asked for: the connection is no longer HTTP, and is closed. */
export function switchedProtocols(endpoint: Endpoint, socket: Duplex): Failure {
  socket.destroy()
  return malformed(endpoint, 'a switch to another protocol', undefined)
}

export function noAnswerInTime(endpoint: Endpoint, timeoutMs: number, cause: unknown): Failure {
  return new Failure('upstream_timeout', {
    message: `${formatEndpoint(endpoint)} did not answer within ${timeoutMs} ms`,
    hint: 'the process behind it may be paused or overloaded; look at it, or allow more time',
    errno: 'ETIMEDOUT',
    cause,
  })
}

export function tooLarge(endpoint: Endpoint, maxBytes: number): Failure {
  return new Failure('upstream_too_large', {
    message: `the answer of ${formatEndpoint(endpoint)} has more than ${maxBytes} bytes`,
    hint: 'ask for less, or allow more',
  })
}

export function cutShort(endpoint: Endpoint, bytes: number, cause: unknown): Failure {
  return new Failure('upstream_truncated', {
    message: `the answer of ${formatEndpoint(endpoint)} was cut after ${bytes} bytes of body`,
    hint: 'the process behind it ended or crashed; look at its log',
    cause,
  })
}

function malformed(endpoint: Endpoint, what: string, cause: unknown): Failure {
  const detail = cause instanceof Error ? `: ${cause.message}` : ''
  return new Failure('upstream_malformed', {
    message: `${formatEndpoint(endpoint)} answered with ${what}${detail}`,
    hint: 'is this the endpoint of another protocol?',
    errno: errnoOf(cause),
    cause,
  })
}

function headTooLarge(endpoint: Endpoint, cause: unknown): Failure {
  return new Failure('upstream_too_large', {
    message: `the head of the answer of ${formatEndpoint(endpoint)} is over Node's limit`,
    hint: 'send fewer or shorter headers, or start this process with --max-http-header-size',
    cause,
  })
}

function badRequest(endpoint: Endpoint, cause: Error): Failure {
  return new Failure('bad_request', {
    message: `no HTTP request to ${formatEndpoint(endpoint)} can be made of this: ${cause.message}`,
    hint: 'percent-encode the path, and use plain header names and values',
    cause,
  })
}

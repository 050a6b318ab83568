import { Failure } from '@uds-sidecar/shared/failure/failure'

/** What can go wrong with an upstream that accepted a connection, in words for the one who runs it. */

const LOOK = 'look at the log of the process behind the socket; it ended, crashed or gave up'

export function closedBeforeHead(name: string, cause?: unknown): Failure {
  const message = `${name} closed the connection before a complete response head`
  return new Failure('upstream_reset', { message, hint: LOOK, cause })
}

export function cutInBody(name: string, bytes: number, cause?: unknown): Failure {
  const message = `${name} closed the connection after ${bytes} bytes of an unfinished response body`
  return new Failure('upstream_truncated', { message, hint: LOOK, cause })
}

export function notHttp(name: string, fault: string): Failure {
  const message = `the response of ${name} is refused: ${fault}`
  return new Failure('upstream_malformed', {
    message,
    hint: 'correct the app; or is this the socket of another protocol?',
  })
}

export function tooLarge(name: string, what: string, maxBytes: number): Failure {
  const message = `the ${what} of ${name} has more than ${maxBytes} bytes`
  return new Failure('upstream_too_large', {
    message,
    hint: 'raise the limit of the route, or answer with less',
  })
}

export function tooManyFields(name: string, maxFields: number): Failure {
  return new Failure('upstream_too_large', {
    message: `the response head of ${name} has more than ${maxFields} fields`,
    hint: 'raise limits.fields of the route, or send fewer fields',
  })
}

export function notConnected(name: string, timeoutMs: number): Failure {
  return new Failure('upstream_timeout', {
    message: `${name} did not accept a connection within ${timeoutMs} ms`,
    hint: 'the process behind it may be paused or overloaded; look at it, or allow more time',
    errno: 'ETIMEDOUT',
  })
}

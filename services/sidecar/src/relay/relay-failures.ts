import { HINTS } from '@uds-sidecar/shared/failure/explain'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Refusal } from '../http1/request-head.ts'

/** Failures of a request or its client. */

const REFUSALS = {
  malformed: {
    code: 'bad_request',
    hint: 'correct the client; a request that can be read in two ways is refused (RFC 9112)',
  },
  'too many fields': {
    code: 'head_too_large',
    hint: 'send fewer fields, or raise limits.fields of the route',
  },
  expectation: {
    code: 'expectation_failed',
    hint: 'send the request without Expect, or with Expect: 100-continue',
  },
  upgrade: {
    code: 'upgrade_refused',
    hint: 'for WebSocket add a rule such as GET /ws upgrade websocket to allow of the route; CONNECT needs a route of kind stream',
  },
} as const

export function refused({ kind, reason }: Refusal): Failure {
  const { code, hint } = REFUSALS[kind]
  return new Failure(code, { message: `the request cannot be forwarded: ${reason}`, hint })
}

export function headTooLarge(maxBytes: number): Failure {
  return new Failure('head_too_large', {
    message: `the request head has more than ${maxBytes} bytes`,
    hint: 'send less in the URL and the fields, or raise limits.headBytes of the route',
  })
}

export function requestBodyBroken(): Failure {
  return new Failure('bad_request', {
    message: 'the request cannot be forwarded: its chunked coding is broken',
    hint: 'correct the client; a request that can be read in two ways is refused (RFC 9112)',
  })
}

export function clientTooSlow(): Failure {
  return new Failure('client_timeout', {
    message: 'the client took too long to send its request or to take its response',
    hint: 'send and read faster, or raise the timeouts of the route',
  })
}

export function tlsRequired(): Failure {
  return new Failure('tls_required', {
    message: 'this port speaks TLS, and the request came without it',
    hint: 'use https:// in the URL; Prometheus: scheme: https',
  })
}

export function scraperTooHasty(): Failure {
  return new Failure('client_timeout', {
    message:
      'the scraper allows less than half a second (X-Prometheus-Scrape-Timeout-Seconds), which was not enough',
    hint: 'raise scrape_timeout; with so little time this says nothing about the upstream',
  })
}

export function targetTooLong(maxBytes: number): Failure {
  return new Failure('uri_too_long', {
    message: `the request line has more than ${maxBytes} bytes`,
    hint: 'send less in the URL, or raise limits.headBytes of the route',
  })
}

export function upstreamTooSlow(name: string): Failure {
  return new Failure('upstream_timeout', {
    message: `${name} did not respond in time`,
    hint: HINTS.paused,
    errno: 'ETIMEDOUT',
  })
}

export function queueFull(places: number): Failure {
  return new Failure('overloaded', {
    message: `all upstream connections are in use, and ${places} requests already wait`,
    hint: 'try again later, or raise limits.upstreamConnections of the route',
  })
}

export function tunnelsFull(places: number): Failure {
  return new Failure('overloaded', {
    message: `${places} long responses and upgraded connections are open, or the process has no descriptor left`,
    hint: 'close some, or raise limits.tunnels of the route or the descriptor limit (ulimits: nofile)',
  })
}

/** The time to drain is over, or nothing came for a while in it. */
export function cutByDrain(): Failure {
  return new Failure('draining', {
    message: 'the sidecar shuts down, and this request may go on for as long as it likes',
    hint: 'send the request again on a new connection',
  })
}

export function judgedTooLate(): Failure {
  return new Failure('overloaded', {
    message: 'the password of the request could not be verified in time: many others are being verified',
    hint: 'try again later; a password that was verified before is known at once',
  })
}

/** Through trusted proxies, whose connections count for nobody. */
export function tooManyOfClient(): Failure {
  return new Failure('overloaded', {
    message: 'too many requests of this client are under way',
    hint: 'wait for some of them, or raise limits.connectionsPerAddress of the route',
  })
}

export function waitedTooLong(): Failure {
  return new Failure('overloaded', {
    message: 'all upstream connections were in use for as long as the request could wait',
    hint: 'try again later, or raise limits.upstreamConnections of the route',
  })
}

/** Failures of a route of kind connect. */

export function connectOnly(method: string): Failure {
  return new Failure('method_not_allowed', {
    message: `this route is an HTTP proxy for CONNECT alone, and the request is ${method}`,
    hint: 'use https:// in the URL, so that the client asks for a tunnel (HTTPS_PROXY); or use a route of kind http',
  })
}

export function tooManyTunnels(places: number): Failure {
  return new Failure('overloaded', {
    message: `all ${places} tunnels of the route are in use`,
    hint: 'close some, or raise limits.tunnels of the route',
  })
}

export function shuttingDown(): Failure {
  return new Failure('draining', {
    message: 'the sidecar is shutting down, or has a new configuration for this route',
    hint: 'try again',
  })
}

export function unexpected(cause: unknown): Failure {
  return new Failure('internal_error', {
    message: 'a connection failed for a reason that only the log has',
    hint: 'see the log',
    cause,
  })
}

export function notForCaller(what: string): Failure {
  return new Failure('not_permitted', {
    message: `no rule for ${what} is for this caller`,
    hint: 'call as a client that the rule names after for, or add this one to the rule in the configuration of the route',
  })
}

/** Failures of an upstream that accepted a connection. */

export function closedBeforeHead(name: string, cause?: unknown): Failure {
  const message = `${name} closed the connection before a complete response head`
  return new Failure('upstream_reset', { message, hint: HINTS.ended, cause })
}

export function cutInBody(name: string, bytes: number, cause?: unknown): Failure {
  const message = `${name} closed the connection after ${bytes} bytes of an unfinished response body`
  return new Failure('upstream_truncated', { message, hint: HINTS.ended, cause })
}

export function notHttp(name: string, fault: string): Failure {
  const message = `the response of ${name} is refused: ${fault}`
  return new Failure('upstream_malformed', { message, hint: `correct the app; ${HINTS.wrongProtocol}` })
}

export function tooLarge(name: string, what: string, maxBytes: number): Failure {
  const message = `the ${what} of ${name} has more than ${maxBytes} bytes`
  return new Failure('upstream_too_large', {
    message,
    hint: 'raise the limit of the route, or send a smaller response',
  })
}

export function tooManyFields(name: string, maxFields: number): Failure {
  return new Failure('upstream_too_large', {
    message: `the response head of ${name} has more than ${maxFields} fields`,
    hint: 'raise limits.fields of the route, or send fewer fields',
  })
}

/** @param isAccepted the connection was accepted, and its TLS handshake has not ended. */
export function notConnected(name: string, timeoutMs: number, isAccepted: boolean): Failure {
  const what = isAccepted ? 'finish the TLS handshake' : 'accept a connection'
  return new Failure('upstream_timeout', {
    message: `${name} did not ${what} within ${timeoutMs} ms`,
    hint: HINTS.paused,
    errno: 'ETIMEDOUT',
  })
}

import { connect, type LookupFunction, type OnReadOpts, type Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Endpoint, formatEndpoint, nodeAddress } from '../endpoint/endpoint.ts'
import { HINTS } from '../failure/explain.ts'
import { Failure } from '../failure/failure.ts'
import { dialFailure } from './dial-failure.ts'
import { connectTls, type TlsDialOptions } from './dial-tls.ts'
import { presentedOn, TlsFailure } from './tls-failure.ts'

export interface DialOptions {
  /** Milliseconds that connecting may take, with the TLS handshake. Default 1000. */
  readonly timeoutMs?: number
  /** Keep our side open when the peer ends its side. Default true: the caller decides when to end it. */
  readonly allowHalfOpen?: boolean
  /** Reads into a buffer of the caller instead of emitting `data` (`onread` of `net.connect`). Default: `data` events. */
  readonly onread?: OnReadOpts
  /** Gives up when it aborts. Default: only `timeoutMs` does. */
  readonly signal?: AbortSignal
  /** Speaks TLS, and verifies the certificate of the server. Default: the bytes as they are. */
  readonly tls?: TlsDialOptions | undefined
  /** Looks up the host of a TCP endpoint. A `Failure` that it gives is thrown as it is. Default: the system does. */
  readonly lookup?: LookupFunction | undefined
}

export const DEFAULT_CONNECT_TIMEOUT_MS = 1_000

/**
 * Connects to any endpoint. The caller owns the socket from then on: it handles `error` events and destroys it.
 * @example
 * const socket = await dial(parseEndpoint('unix:/run/app/api/echo.sock'))
 * socket.on('error', () => socket.destroy())
 * socket.end('ping\n')
 * for await (const chunk of socket) console.log(String(chunk))
 * @throws the reason of `signal` if that has aborted
 * @throws Failure with the code that says why: `socket_missing`, `socket_stale`, `socket_denied`, `not_a_socket`,
 * `backlog_full`, `upstream_timeout`, `upstream_reset`, `connection_refused`, `host_unreachable`, `host_unknown`,
 * `overloaded` or `io_error`; with TLS also `tls_untrusted`, `tls_expired`, `tls_name_mismatch` or `tls_refused`, as a
 * `TlsFailure`.
 */
export async function dial(endpoint: Endpoint, options: DialOptions = {}): Promise<Socket> {
  const { timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, signal } = options
  signal?.throwIfAborted()
  const begun = attempt(endpoint, options)
  try {
    await connected(begun, endpoint, timeoutMs, signal)
    return begun.socket
  } catch (error) {
    begun.socket.destroy()
    if (signal?.aborted) throw error
    throw await begun.explain(error)
  }
}

/** A connection that is being made. */
export interface Attempt {
  readonly socket: Socket
  /** The event after which it may be used. */
  readonly event: 'connect' | 'secureConnect'
  /** @param error that the socket emitted. @returns the failure that `dial` would throw */
  explain(error: unknown): Failure | Promise<Failure>
}

/** Begins to connect, for a caller that waits by itself. Takes no time limit and no signal. */
export function attempt(endpoint: Endpoint, options: Omit<DialOptions, 'timeoutMs' | 'signal'>): Attempt {
  const { allowHalfOpen = true, onread, tls, lookup } = options
  const reading = { allowHalfOpen, onread, lookup }
  return tls === undefined
    ? plainAttempt(endpoint, connect({ ...nodeAddress(endpoint), ...reading }))
    : tlsAttempt(endpoint, connectTls(endpoint, tls, reading))
}

function plainAttempt(endpoint: Endpoint, socket: Socket): Attempt {
  return { socket, event: 'connect', explain: (error) => notDialled(endpoint, error) }
}

/** @param error may be a failure already: of the look-up, or of the time that is over. */
function notDialled(endpoint: Endpoint, error: unknown): Failure | Promise<Failure> {
  return error instanceof Failure ? error : dialFailure(endpoint, error)
}

/** Before the connection is accepted the system says why it fails, later TLS does. */
function tlsAttempt(endpoint: Endpoint, socket: TLSSocket): Attempt {
  const presented = presentedOn(socket)
  let isAccepted = false
  socket.once('connect', () => {
    isAccepted = true
  })
  const explain = (error: unknown) =>
    isAccepted && !(error instanceof Failure)
      ? new TlsFailure(endpoint, error, presented())
      : notDialled(endpoint, error)
  return { socket, event: 'secureConnect', explain }
}

function connected(
  { socket, event }: Attempt,
  endpoint: Endpoint,
  timeoutMs: number,
  signal: AbortSignal | undefined,
) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // After the event loop has looked for I/O once more: the system may have connected us while this process did not run.
  const giveUp = () => setImmediate(() => reject(timedOut(endpoint, socket, timeoutMs)))
  const timer = setTimeout(giveUp, timeoutMs)
  const abort = () => reject(signal?.reason)
  let isReady = false
  const ready = () => {
    isReady = true
    resolve()
  }
  signal?.addEventListener('abort', abort, { once: true })
  socket.once(event, ready)
  socket.once('error', reject)
  return promise.finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    socket.off(event, ready)
    socket.off('error', reject)
    if (!isReady) socket.on('error', () => socket.destroy())
  })
}

function timedOut(endpoint: Endpoint, socket: Socket, timeoutMs: number): Failure {
  const what = socket.connecting ? 'accept a connection' : 'finish the TLS handshake'
  return new Failure('upstream_timeout', {
    message: `${formatEndpoint(endpoint)} did not ${what} within ${timeoutMs} ms`,
    hint: HINTS.paused,
    errno: 'ETIMEDOUT',
  })
}

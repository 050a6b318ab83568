import { connect, type LookupFunction, type OnReadOpts, type Socket } from 'node:net'
import { type Endpoint, formatEndpoint, nodeAddress } from '../endpoint/endpoint.ts'
import { HINTS } from '../failure/explain.ts'
import { Failure } from '../failure/failure.ts'
import { dialFailure } from './dial-failure.ts'

export interface DialOptions {
  /** Milliseconds that connecting may take. Default 1000. */
  readonly timeoutMs?: number
  /** Keep our side open when the peer ends its side. Default true: the caller decides when to end it. */
  readonly allowHalfOpen?: boolean
  /** Reads into a buffer of the caller instead of emitting `data` (`onread` of `net.connect`). Default: `data` events. */
  readonly onread?: OnReadOpts
  /** Finds the addresses of the host of a TCP endpoint, unless that is an address. Default: the system's resolver. */
  readonly lookup?: LookupFunction
  /** Gives up when it aborts. Default: only `timeoutMs` does. */
  readonly signal?: AbortSignal
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
 * `overloaded` or `io_error`.
 */
export async function dial(endpoint: Endpoint, options: DialOptions = {}): Promise<Socket> {
  const { timeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, allowHalfOpen = true, onread, lookup, signal } = options
  signal?.throwIfAborted()
  const socket = connect({ ...nodeAddress(endpoint), allowHalfOpen, onread, lookup })
  try {
    await connected(socket, endpoint, timeoutMs, signal)
    return socket
  } catch (error) {
    socket.destroy()
    if (signal?.aborted || error instanceof Failure) throw error
    throw await dialFailure(endpoint, error)
  }
}

function connected(socket: Socket, endpoint: Endpoint, timeoutMs: number, signal: AbortSignal | undefined) {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(timedOut(endpoint, timeoutMs)), timeoutMs)
  const abort = () => reject(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  socket.once('connect', resolve)
  socket.once('error', reject)
  return promise.finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    socket.off('connect', resolve)
    socket.off('error', reject)
    if (socket.connecting) socket.on('error', () => socket.destroy())
  })
}

function timedOut(endpoint: Endpoint, timeoutMs: number): Failure {
  return new Failure('upstream_timeout', {
    message: `${formatEndpoint(endpoint)} did not accept a connection within ${timeoutMs} ms`,
    hint: HINTS.paused,
    errno: 'ETIMEDOUT',
  })
}

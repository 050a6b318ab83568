import type { AddressInfo, Server } from 'node:net'
import { BoundPath } from '../bind/bound-path.ts'
import { listenOn } from '../bind/publish.ts'
import { type Endpoint, formatEndpoint, nodeAddress } from '../endpoint/endpoint.ts'
import { errnoOf, Failure } from '../failure/failure.ts'
import { visibleLines } from '../text/visible.ts'
import { Connections } from './connections.ts'
import { checkDescriptor } from './inherited-descriptors.ts'
import { listenFailure } from './listen-failure.ts'
import {
  checkOptions,
  DEFAULT_BACKLOG,
  DEFAULT_DRAIN_MS,
  DEFAULT_MODE,
  type ListenOptions,
} from './listen-options.ts'
import { Listener } from './listener.ts'

/**
 * Lets a `net.Server` or an `http.Server` listen on any endpoint. On `unix:/path` the bind protocol publishes the socket:
 * it appears at its path only once it accepts connections, with its final mode, and never replaces a running server
 * that does not expect it (docs/bind-protocol.md). A start that fails leaves no file but the lock.
 * @param server must not be listening yet. Close the listener, not the server.
 * @returns the listener, whose `close` drains and removes the socket file
 * @example
 * const server = createServer((socket) => socket.end('hello\n'))
 * const listener = await listen(server, parseEndpoint('unix:/run/app/api/hello.sock'), { mode: 0o660 })
 * listener.on('replaced', () => console.log('another server took over'))
 * await listener.close()
 * @throws the reason of `signal` if that has aborted
 * @throws Failure `bad_option`, `bad_endpoint`, `in_use`, `address_denied` and all of `BoundPath.bind`: `path_occupied`,
 * `path_too_long`, `socket_denied`, `directory_missing`, `directory_unsafe`, `directory_denied`, `group_denied`,
 * `lock_unavailable`, `io_error`
 */
export async function listen(
  server: Server,
  endpoint: Endpoint,
  options: ListenOptions = {},
): Promise<Listener> {
  checkOptions(endpoint, options)
  if (server.listening) throw alreadyListens(endpoint)
  const { signal } = options
  signal?.throwIfAborted()
  const listener = await start(server, endpoint, options)
  if (signal?.aborted) {
    await listener.close()
    signal.throwIfAborted()
  }
  const abort = () => void listener.close()
  signal?.addEventListener('abort', abort, { once: true })
  listener.closed.then(() => signal?.removeEventListener('abort', abort))
  return listener
}

async function start(server: Server, endpoint: Endpoint, options: ListenOptions): Promise<Listener> {
  const { drainMs = DEFAULT_DRAIN_MS, unlinkOnClose = true, watch = true } = options
  const connections = new Connections(server)
  try {
    const bound = await open(server, endpoint, options)
    const isPassed = options.fd !== undefined
    const parts = { server, connections, bound, isPassed, unlinkOnClose, watch, drainMs }
    return new Listener({ ...parts, endpoint: actual(server, endpoint) })
  } catch (error) {
    connections.detach()
    throw error
  }
}

async function open(
  server: Server,
  endpoint: Endpoint,
  options: ListenOptions,
): Promise<BoundPath | undefined> {
  const { mode = DEFAULT_MODE, group, onConflict = 'refuse', backlog = DEFAULT_BACKLOG, fd } = options
  const { onWait = (notice) => process.stderr.write(visibleLines(`${notice}\n`)) } = options
  try {
    if (fd !== undefined) await listenOnDescriptor(server, endpoint, { fd, backlog })
    else if (endpoint.kind !== 'unix') await listenOn(server, { ...nodeAddress(endpoint), backlog })
    else return await BoundPath.bind(server, endpoint.path, { mode, group, onConflict, backlog, onWait })
    return undefined
  } catch (error) {
    throw errnoOf(error) === undefined ? error : await listenFailure(endpoint, error)
  }
}

async function listenOnDescriptor(
  server: Server,
  endpoint: Endpoint,
  options: { fd: number; backlog: number },
) {
  await checkDescriptor(options.fd, endpoint)
  await listenOn(server, options)
  const isTcp = (server.address() as AddressInfo | null)?.port !== undefined // null for an inherited Unix socket
  if (isTcp === (endpoint.kind === 'tcp')) return
  server.close()
  throw new Failure('bad_option', {
    message: `cannot listen on ${formatEndpoint(endpoint)}: descriptor ${options.fd} listens on another kind of endpoint`,
    hint: 'pass the endpoint that the descriptor is bound to',
  })
}

/** The endpoint with the port that the kernel chose instead of 0. */
function actual(server: Server, endpoint: Endpoint): Endpoint {
  if (endpoint.kind !== 'tcp') return endpoint
  const { port } = server.address() as AddressInfo
  return { ...endpoint, port }
}

function alreadyListens(endpoint: Endpoint): Failure {
  return new Failure('bad_option', {
    message: `cannot listen on ${formatEndpoint(endpoint)}: the server already listens`,
    hint: 'a server listens on one endpoint: create another server with the same handler',
  })
}

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
 * Lets any `net.Server`, an `http.Server` too, listen on any endpoint. On `unix:/path` the socket is published by the
 * bind protocol: never wrong, stale, stolen or missing (docs/bind-protocol.md).
 * @throws Failure `bad_option`, `in_use`, `address_denied` and all of `BoundPath.bind`; the reason of `signal` if that
 * has aborted
 */
export async function listen(
  server: Server,
  endpoint: Endpoint,
  options: ListenOptions = {},
): Promise<Listener> {
  checkOptions(endpoint, options)
  if (server.listening) throw listensAlready(endpoint)
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
    const parts = { server, connections, bound, unlinkOnClose, watch, drainMs }
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
  const isTcp = (server.address() as AddressInfo | null)?.port !== undefined // null for an inherited file
  if (isTcp === (endpoint.kind === 'tcp')) return
  server.close()
  throw new Failure('bad_option', {
    message: `cannot listen on ${formatEndpoint(endpoint)}: descriptor ${options.fd} is of another kind`,
    hint: 'name the endpoint that the descriptor was bound to',
  })
}

/** Port 0 stands for the one that the kernel chose. */
function actual(server: Server, endpoint: Endpoint): Endpoint {
  if (endpoint.kind !== 'tcp') return endpoint
  const { port } = server.address() as AddressInfo
  return { ...endpoint, port }
}

function listensAlready(endpoint: Endpoint): Failure {
  return new Failure('bad_option', {
    message: `cannot listen on ${formatEndpoint(endpoint)}: the server listens already`,
    hint: 'a server listens on one endpoint: make another one with the same handler',
  })
}

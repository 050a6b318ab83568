import { createServer, type Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { DEFAULT_MODE } from '@uds-sidecar/shared/listen/listen-options'
import type { Listener } from '@uds-sidecar/shared/listen/listener'
import { DRAIN } from '../config/bounds.ts'

/** The key of the TCP connection below a TLS socket. */
const TRANSPORT = Symbol('transport')

/** Says which TCP connection carries a TLS socket, for {@link reset}. */
export function setTransport(tls: Socket, transport: Socket): void {
  Object.assign(tls, { [TRANSPORT]: transport })
}

/** The TCP connection that carries a TLS socket; any other socket itself. */
export function transportOf(socket: Socket & { [TRANSPORT]?: Socket }): Socket {
  return socket[TRANSPORT] ?? socket
}

/** Listens to `error` of any socket: `close` follows, and says the rest. One function for all of them costs no memory. */
export function destroyIt(this: Socket): void {
  this.destroy()
}

/**
 * Ends a connection so that its peer sees an error and never a clean end. A Unix socket has no reset: there the peer sees
 * an error only if we have not read all that it sent, else a clean end.
 *
 * A TLS socket cannot be reset by Node (ERR_INVALID_HANDLE_TYPE), and clients take its plain close for a clean end
 * (measured: Node's tls in TLS 1.2 and 1.3). So the TCP connection below it is reset.
 *
 * While an `end()` is still being sent, Node's own reset fails with EINVAL and never closes the handle; the process then
 * uses all of a CPU and does not exit (Node 26.10; libuv allows no reset during a shutdown). The clean end is already on
 * its way then, so a plain close is all that is left to do.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) {
    socket.destroy()
    return
  }
  try {
    transportOf(socket).resetAndDestroy()
    socket.destroy() // for TLS: the socket above its transport
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_HANDLE_TYPE')) throw error
    socket.destroy()
  }
}

/** Takes accepted connections, and drains them. */
export interface ConnectionHandler {
  accept(client: Socket): void
  /** Resolves when no connection is left; connections that are left after `drainMs` are reset. */
  drain(drainMs: number): Promise<void>
  /**
   * What clients proved with certificates may no longer hold: the CA of the listener was replaced, or time has passed.
   * Called every 10 s on a listener with `clientCa`, and when a reload changes the rules. Ends the connections whose callers
   * may not go on.
   */
  judgeAnew?(): void
}

/** A listening endpoint. Its handler may be replaced while it listens: that is how a reload works. */
export interface Port {
  /** With the real port where 0 was asked for. */
  readonly endpoint: Endpoint
  handler: ConnectionHandler
  /** A descriptor that systemd passed: its file, and the rights of that, are not ours. */
  readonly isInherited: boolean
  /** Of its socket file, if it has one of its own. */
  readonly rights: SocketRights
  /** Resolves when it accepts no more: with true, when another server has taken over its socket file. */
  readonly replaced: Promise<boolean>
  /**
   * Gives the socket file these rights without losing a connection, unless it has them already.
   * @throws Failure as `Listener.rebind`
   */
  rebind(rights: SocketRights): Promise<void>
  /** Stops accepting. Resolves when the last connection has ended; the handlers end them. */
  close(): Promise<void>
}

/** Settings of the socket file of a route; undefined is the default. */
export interface SocketRights {
  readonly mode?: number | undefined
  readonly group?: number | undefined
  readonly onConflict?: 'refuse' | 'takeover' | undefined
}

/** How a port begins to listen: on a new socket, or on a descriptor that systemd passed. */
export type PortSource = SocketRights | { readonly fd: number }

/** @throws Failure `in_use`, `address_denied`, and the others of `listen`. */
export async function openPort(
  endpoint: Endpoint,
  handler: ConnectionHandler,
  log: Logger,
  source: PortSource = {},
): Promise<Port> {
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  const port = { handler, rights: completed('fd' in source ? {} : source) }
  server.on('connection', (client: Socket) => port.handler.accept(client))
  const onWait = (notice: string) => log.warn(notice)
  const listener = await listen(server, endpoint, { ...source, onWait, drainMs: DRAIN.max })
  logEvents(listener, log)
  const { promise: replaced, resolve } = Promise.withResolvers<boolean>()
  listener.on('replaced', () => listener.once('stopped', () => resolve(true)))
  listener.closed.then(({ reason }) => resolve(reason === 'replaced'))
  return Object.assign(port, {
    endpoint: listener.endpoint,
    isInherited: 'fd' in source,
    replaced,
    async rebind(rights: SocketRights) {
      const wanted = completed(rights)
      if (isDeepStrictEqual(wanted, port.rights)) return
      await listener.rebind(wanted)
      port.rights = wanted
    },
    async close() {
      await listener.close()
    },
  })
}

/** With the defaults of `listen`. */
function completed({ mode = DEFAULT_MODE, group, onConflict = 'refuse' }: SocketRights) {
  return { mode, group, onConflict }
}

function logEvents(listener: Listener, log: Logger): void {
  const endpoint = formatEndpoint(listener.endpoint)
  const failed = ({ code, errno, hint, message }: Failure) =>
    log.warn({ code, errno, hint, endpoint }, message)
  listener.on('acceptFailed', failed)
  listener.on('lost', failed)
  listener.on('republished', () =>
    log.info({ endpoint }, 'the socket file was deleted; a new one is published'),
  )
  listener.on('replaced', () => log.info({ endpoint }, 'another server took over the socket; draining'))
}

import { createServer, type Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { DRAIN } from '../config/bounds.ts'

/**
 * Ends a connection so that its peer sees an error and never a clean end; over a Unix socket a plain close does.
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
    socket.resetAndDestroy()
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
}

/** A listening address. Its handler may be replaced while it listens: that is how a reload works. */
export interface Port {
  /** With the real port where 0 was asked for. */
  readonly endpoint: Endpoint
  handler: ConnectionHandler
  /** Stops accepting. Resolves when the last connection has ended; the handlers end them. */
  close(): Promise<void>
}

/** @throws Failure `in_use`, `address_denied`, and the others of `listen`. */
export async function openPort(endpoint: Endpoint, handler: ConnectionHandler, log: Logger): Promise<Port> {
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  const port = { handler }
  server.on('connection', (client: Socket) => port.handler.accept(client))
  const listener = await listen(server, endpoint, { drainMs: DRAIN.max })
  listener.on('acceptFailed', ({ code, errno, hint, message }) => log.warn({ code, errno, hint }, message))
  return Object.assign(port, {
    endpoint: listener.endpoint,
    async close() {
      await listener.close()
    },
  })
}

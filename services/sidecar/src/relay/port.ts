import { createServer, type Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { listen } from '@uds-sidecar/shared/listen/listen'
import { DRAIN } from '../config/bounds.ts'

/**
 * Ends a connection so that its peer sees an error and never a clean end; over a Unix socket a plain close does.
 *
 * While an `end()` is still being sent, Node's own reset fails with EINVAL, never closes the handle, and the process
 * spins for ever when it is to exit (Node 26.10; libuv allows no reset beside a shutdown). The clean end is under way
 * then in any case: a plain close is all that is left.
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

/** Takes accepted connections, and ends them when asked. */
export interface ConnectionHandler {
  accept(client: Socket): void
  /** Resolves once no connection is left; what is left after `drainMs` is reset. */
  drain(drainMs: number): Promise<void>
}

/** A listening address; its handler may be exchanged while it listens. */
export interface Port {
  /** With the real port where 0 was asked for. */
  readonly endpoint: Endpoint
  handler: ConnectionHandler
  /** Stops accepting; resolves when the last connection has ended, which is for the handlers to see to. */
  close(): Promise<void>
}

/** @throws Failure `in_use`, `address_denied` and what else `listen` says. */
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

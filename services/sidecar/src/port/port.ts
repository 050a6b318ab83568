import { createServer, type Socket } from 'node:net'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { listen } from '@uds-sidecar/shared/listen/listen'

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
  /** Stops accepting and drains the handler. */
  close(drainMs: number): Promise<void>
}

/** @throws Failure `in_use`, `address_denied` and what else `listen` says. */
export async function openPort(endpoint: Endpoint, handler: ConnectionHandler): Promise<Port> {
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  const port = { handler }
  server.on('connection', (client: Socket) => port.handler.accept(client))
  const listener = await listen(server, endpoint)
  return Object.assign(port, {
    endpoint: listener.endpoint,
    async close(drainMs: number) {
      await Promise.all([listener.close(), port.handler.drain(drainMs)])
    },
  })
}

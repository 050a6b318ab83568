import type { RequestListener, Server } from 'node:http'
import { http } from '@uds-sidecar/shared/http/node-http'

const MAX_CONNECTIONS = 1_024

/** An HTTP server with every bound set: head 16 KiB within 10 s, request within 30 s, idle connection 65 s. */
export function createHttpServer(handler: RequestListener): Server {
  const server = http.createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000, // longer than the idle time of those in front, so that they close first
    },
    handler,
  )
  server.maxConnections = MAX_CONNECTIONS
  return server
}

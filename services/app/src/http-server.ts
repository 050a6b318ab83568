import type { RequestListener, Server } from 'node:http'
import { http } from '@uds-sidecar/shared/http/node-http'
import { boundConnections } from '@uds-sidecar/shared/listen/bound-connections'

/** Longer than the idle timeout of clients such as the sidecar, so that the client closes first. */
const KEEP_ALIVE_MS = 65_000
const HEAD_MS = 10_000

const BOUNDS = {
  connectionsPerAddress: 256,
  headMs: HEAD_MS,
  nextHeadMs: KEEP_ALIVE_MS + HEAD_MS,
  bodyMs: 30_000,
} as const

/** Most connections of one listener at a time, HTTP or not. */
export const MAX_CONNECTIONS = 1_024

const REQUESTS_PER_CONNECTION = 100_000

/**
 * An HTTP server with all limits set: 256 connections from one address, a head of 16 KiB within 10 s, a body within 30 s,
 * an idle connection for 65 s. When the limit of connections is reached, a new one closes the one that has waited longest.
 * @param connections most connections at a time. Default 1024.
 */
export function createHttpServer(handler: RequestListener, connections = MAX_CONNECTIONS): Server {
  const server = http.createServer(
    {
      maxHeaderSize: 16 * 1024,
      headersTimeout: HEAD_MS,
      requestTimeout: BOUNDS.bodyMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    handler,
  )
  server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION
  boundConnections(server, { ...BOUNDS, connections })
  return server
}

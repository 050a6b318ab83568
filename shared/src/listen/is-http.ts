import type { Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'

/** Told by what it can do, for to load node:http costs a start that does without it about 20 ms. */
export function isHttp(server: Server): server is HttpServer {
  return 'closeIdleConnections' in server
}

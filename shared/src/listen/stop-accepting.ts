import type { Server as HttpServer } from 'node:http'
import type { Server } from 'node:net'
import { isHttp } from './is-http.ts'

/**
 * Closes the listening socket only. An HTTP server's own `close` also destroys the connections that it holds for
 * idle, among them those whose client has not read the whole answer yet.
 * @returns resolves once the server's last connection has ended
 */
export function stopAccepting(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  server.once('close', resolve)
  if (isHttp(server)) closeKeepingConnections(server)
  else server.close()
  return promise
}

function closeKeepingConnections(server: HttpServer): void {
  server.closeIdleConnections = () => undefined
  try {
    server.close()
  } finally {
    Reflect.deleteProperty(server, 'closeIdleConnections') // the class's own again
  }
}

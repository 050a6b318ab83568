import type { ListenOptions, Server } from 'node:net'

/** `server.listen` as a promise; a cluster worker binds for itself instead of asking the primary. */
export function listenOn(
  server: Server,
  options: ListenOptions | { fd: number; backlog?: number },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('listening', resolve)
  server.once('error', reject)
  server.listen({ ...options, exclusive: true })
  return promise.finally(() => {
    server.off('listening', resolve)
    server.off('error', reject)
  })
}

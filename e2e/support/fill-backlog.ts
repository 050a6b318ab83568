import type { Insider } from './insider.ts'

/**
 * Connects to a server that does not accept until the kernel refuses with EAGAIN. Connections wait in the queue even
 * when their clients have gone, so that it stays full. @returns how many it took
 */
export function fillBacklog(container: Insider, path: string): Promise<number> {
  return container.inside(async (path) => {
    const { connect } = await import('node:net')
    for (let taken = 0; taken < 10_000; taken++) {
      const errno = await new Promise((resolve) => {
        const socket = connect(path)
        socket
          .once('connect', () => resolve(socket.destroy() && undefined))
          .once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      })
      if (errno === 'EAGAIN') return taken
      if (errno !== undefined) throw new Error(`connection ${taken} failed with ${errno}`)
    }
    throw new Error('the queue has no end')
  }, path)
}

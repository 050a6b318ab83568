import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const AT_ONCE = 100

/** Connections that say nothing, until they are disposed. */
export async function idleConnections(port: number, count: number): Promise<Disposable> {
  const open: Socket[] = []
  while (open.length < count) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - open.length) }, () =>
      connect({ port, host: '127.0.0.1' }),
    )
    await Promise.all(batch.map((socket) => once(socket, 'connect')))
    open.push(...batch)
  }
  return {
    [Symbol.dispose]() {
      for (const socket of open) socket.destroy()
    },
  }
}

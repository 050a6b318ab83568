import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const AT_ONCE = 100

/** Connections of one address that send `request`, then nothing, and read nothing, until they are disposed. */
export async function slowConnections(
  port: number,
  count: number,
  localAddress: string,
  request: string,
): Promise<Disposable> {
  const open: Socket[] = []
  while (open.length < count) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - open.length) }, () =>
      connect({ port, host: '127.0.0.1', localAddress }),
    )
    await Promise.all(batch.map((socket) => once(socket, 'connect')))
    for (const socket of batch)
      socket
        .on('error', () => socket.destroy())
        .pause()
        .write(request)
    open.push(...batch)
  }
  return {
    [Symbol.dispose]() {
      for (const socket of open) socket.destroy()
    },
  }
}

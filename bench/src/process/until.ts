import { connect, type NetConnectOpts } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Waits until something accepts connections there. */
export async function untilAccepting(where: NetConnectOpts, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await accepts(where))) {
    if (performance.now() > deadline) throw new Error(`nobody listens at ${JSON.stringify(where)}`)
    await pause(1)
  }
}

function accepts(where: NetConnectOpts): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(where, () => {
    socket.destroy()
    resolve(true)
  })
  socket.on('error', () => resolve(false))
  return promise
}

import { connect } from 'node:net'
import { Child } from './child.ts'

const PLAIN = new URL('./plain-server.ts', import.meta.url)

/** A live server at `path` that does not know the bind protocol. */
export async function startPlain(path: string, backlog = 511): Promise<Child> {
  const child = new Child(PLAIN, [path, String(backlog)])
  await child.next()
  return child
}

/** One that is paused (SIGSTOP): it accepts nothing, and the kernel still queues. */
export async function startPaused(path: string): Promise<Child> {
  const child = await startPlain(path)
  child.signal('SIGSTOP')
  return child
}

/** One that is paused and whose queue is full: the kernel says EAGAIN to the next. */
export async function startFull(path: string): Promise<Child & { readonly waiting: Disposable }> {
  const child = await startPlain(path, 1)
  child.signal('SIGSTOP')
  const sockets = await fillQueue(path)
  const waiting = {
    [Symbol.dispose]: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
  return Object.assign(child, { waiting })
}

async function fillQueue(path: string) {
  const sockets = []
  for (;;) {
    const socket = connect(path)
    const { promise, resolve } = Promise.withResolvers<unknown>()
    socket.once('connect', () => resolve(undefined)).once('error', resolve)
    if ((await promise) !== undefined) return sockets
    sockets.push(socket)
  }
}

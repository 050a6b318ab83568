import { once } from 'node:events'
import { chmod, unlink } from 'node:fs/promises'
import type { Server } from 'node:net'
import { dial } from '../src/dial/dial.ts'
import { listen } from '../src/listen/listen.ts'
import type { ListenOptions } from '../src/listen/listen-options.ts'

/** A path that a starter believes it owns. */
export interface Holding {
  /** Resolves when the starter no longer owns it, after a close or a takeover. */
  readonly ended: Promise<unknown>
  close(): void
}

/** A way to bind a path. Rejects with an error that has a `code` if another server owns the path. */
export type Way = (server: Server, path: string, options: ListenOptions) => Promise<Holding>

/** The bind protocol, and the naive ways, which show that the harness detects violations. */
export const WAYS = {
  protocol: async (server, path, options) => {
    const listener = await listen(server, { kind: 'unix', path }, options)
    return { ended: listener.closed, close: () => void listener.close() }
  },
  'unlink-listen': async (server, path) => {
    await unlinkIfAny(path)
    return plainListen(server, path)
  },
  'probe-unlink-listen': async (server, path) => {
    if (await accepts(path)) throw Object.assign(new Error(path), { code: 'in_use' })
    await unlinkIfAny(path)
    return plainListen(server, path)
  },
  'listen-chmod': async (server, path, { mode = 0o660 }) => {
    const holding = await plainListen(server, path)
    await chmod(path, mode)
    return holding
  },
} satisfies Record<string, Way>

export type WayName = keyof typeof WAYS

async function plainListen(server: Server, path: string): Promise<Holding> {
  server.listen(path)
  await once(server, 'listening')
  return { ended: once(server, 'close'), close: () => server.close() }
}

async function accepts(path: string): Promise<boolean> {
  return dial({ kind: 'unix', path }).then(
    (socket) => {
      socket.destroy()
      return true
    },
    () => false,
  )
}

async function unlinkIfAny(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

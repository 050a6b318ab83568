import { once } from 'node:events'
import { createServer } from 'node:net'
import { openLocked } from '../src/bind/kernel-lock.ts'
import { listen } from '../src/listen/listen.ts'

/** `start-up-process.ts PATH WAY` begins to listen in one way and reports how many milliseconds that took. */
const WAYS: Record<string, (path: string) => Promise<AsyncDisposable>> = {
  listen: (path) => listen(createServer(), { kind: 'unix', path }),
  'lock alone': async (path) => {
    const file = await openLocked(`${path}.lock`, { waitMs: 0, onWait: () => undefined })
    if (file === undefined) throw new Error('somebody holds the lock')
    return file
  },
  'plain server.listen': async (path) => {
    const server = createServer().listen(path)
    await once(server, 'listening')
    return server
  },
}

const [path = '', way = ''] = process.argv.slice(2)
const begin = performance.now()
await using _held = await WAYS[way]?.(path)
process.send?.(performance.now() - begin)

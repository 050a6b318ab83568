import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { createServer } from 'node:net'

/** Leaves a stale socket at `path`, as a crashed server does. */
export async function leaveStaleFile(path: string): Promise<void> {
  const server = createServer().listen(`${path}.t`)
  await once(server, 'listening')
  await rename(`${path}.t`, path)
  server.close() // unlinks the path that it was bound to, which is gone
  await once(server, 'close')
}

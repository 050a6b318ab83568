import { once } from 'node:events'
import { rename } from 'node:fs/promises'
import { createServer } from 'node:net'

/** Leaves at `path` what a crashed server leaves: a socket on which nobody listens. */
export async function leaveStaleFile(path: string): Promise<void> {
  const server = createServer().listen(`${path}.t`)
  await once(server, 'listening')
  await rename(`${path}.t`, path)
  server.close() // unlinks the name that it bound, which is gone
  await once(server, 'close')
}

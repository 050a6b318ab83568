import type { Insider } from './insider.ts'

/** Connections to the sockets of a directory, as the kernel lists them. */
export interface Connections {
  /** In the listen queue: the server has not accepted them yet. */
  readonly queued: number
  readonly accepted: number
}

/**
 * The connections that this container made to the sockets of a directory (`/proc/net/unix`: state 2 is queued, 3 is
 * accepted). The kernel lists the server's end in the network namespace of the client, by the name that was bound, which
 * is the staged one.
 */
export function connectionsFrom(client: Insider, directory: string): Promise<Connections> {
  return client.inside(async (directory) => {
    const { readFile } = await import('node:fs/promises')
    const rows = (await readFile('/proc/net/unix', 'utf8')).trim().split('\n').slice(1)
    const states = rows
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , , , , , path]) => path?.startsWith(`${directory}/`))
    const count = (state: string) => states.filter((fields) => fields[5] === state).length
    return { queued: count('02'), accepted: count('03') }
  }, directory)
}

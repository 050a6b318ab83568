import { once } from 'node:events'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dial } from '@uds-sidecar/shared/dial/dial'
import { errnoOf } from '@uds-sidecar/shared/failure/failure'
import { type Check, notShown, type Observation } from '../check.ts'
import { refusal } from '../refusal.ts'

/** S9: a socket file that a crash left behind is told apart from one that is not there. */
export function staleOrMissing(): Check[] {
  return [
    {
      row: 'S9',
      what: 'dial a file that nobody listens on',
      expected: 'socket_stale',
      observe: () =>
        inPrivateDirectory(async (directory) => {
          const path = await staleSocket(directory)
          return refusal('socket_stale', () => dial({ kind: 'unix', path }))
        }),
    },
    {
      row: 'S9',
      what: 'dial a path without a file',
      expected: 'socket_missing',
      observe: () =>
        inPrivateDirectory((directory) =>
          refusal('socket_missing', () => dial({ kind: 'unix', path: join(directory, 'none.sock') })),
        ),
    },
  ]
}

async function inPrivateDirectory(look: (directory: string) => Promise<Observation>): Promise<Observation> {
  let directory: string
  try {
    directory = await mkdtemp(join(tmpdir(), 'uds-exercise-'))
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return notShown(`${tmpdir()} cannot be written to (${errnoOf(error)})`)
  }
  return look(directory).finally(() => rm(directory, { recursive: true }))
}

/** What a crash leaves: closing a server unlinks the path that it bound, and this one has been renamed since. */
async function staleSocket(directory: string): Promise<string> {
  const server = createServer().listen(join(directory, 'bound.sock'))
  await once(server, 'listening')
  await rename(join(directory, 'bound.sock'), join(directory, 'stale.sock'))
  await server[Symbol.asyncDispose]()
  return join(directory, 'stale.sock')
}

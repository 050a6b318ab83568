import { once } from 'node:events'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dial } from '@uds-sidecar/shared/dial/dial'
import {
  type AbstractEndpoint,
  type Endpoint,
  MAX_PATH_BYTES,
  nodeAddress,
  parseEndpoint,
} from '@uds-sidecar/shared/endpoint/endpoint'
import { errnoOf } from '@uds-sidecar/shared/failure/failure'
import type { Access } from '../../access/access.ts'
import { dialogue } from '../../echo/dialogue.ts'
import { requestJson } from '../../http/request-json.ts'
import { statusSchema } from '../../http/schemas.ts'
import { type Check, notShown, type Observation, refusal, type Situation, seen } from '../check.ts'

/** S8: the app reports that it reaches Redis over the socket of Redis. */
export function redis({ config, expectRedis, access }: Situation): Check[] {
  return [config.api, config.tcpApi].map((endpoint) => ask(endpoint, expectRedis, access))
}

function ask(endpoint: Endpoint, expectRedis: 'up' | 'down', access: Access): Check {
  return {
    row: 'S8',
    what: 'state of Redis in GET /status',
    endpoint,
    expected: `redis ${expectRedis}`,
    async observe() {
      const status = await requestJson(endpoint, statusSchema, { ...access(endpoint), path: '/status' })
      return seen(`redis ${status.redis}`, status.redis === expectRedis)
    },
  }
}

/** S9: a stale socket and a missing socket give different codes. */
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
    return notShown(`${tmpdir()} is not writable (${errnoOf(error)})`)
  }
  return look(directory).finally(() => rm(directory, { recursive: true }))
}

/** Leaves a socket file as a crash does: closing a server unlinks only the path that it bound, which was renamed here. */
async function staleSocket(directory: string): Promise<string> {
  const server = createServer().listen(join(directory, 'bound.sock'))
  await once(server, 'listening')
  await rename(join(directory, 'bound.sock'), join(directory, 'stale.sock'))
  await server[Symbol.asyncDispose]()
  return join(directory, 'stale.sock')
}

/** S10: a path that is too long for the kernel is refused before dialling. The limit counts bytes, not letters. */
export function pathLimits(): Check[] {
  return [
    {
      row: 'S10',
      what: `a path of ${MAX_PATH_BYTES + 1} bytes`,
      expected: 'path_too_long',
      observe: () =>
        refusal('path_too_long', async () => parseEndpoint(`unix:/${'é'.repeat(MAX_PATH_BYTES / 2)}a`)),
    },
  ]
}

/** S11: an abstract name has no file, and disappears with its listener. */
export function abstractNames(): Check[] {
  const endpoint: AbstractEndpoint = { kind: 'abstract', name: `uds-exercise-${process.pid}` }
  return [
    {
      row: 'S11',
      what: 'listen on a name here, send "ping"',
      endpoint,
      expected: 'ping',
      observe: () => pingListener(endpoint),
    },
    {
      row: 'S11',
      what: 'dial it after its listener closed',
      endpoint,
      expected: 'socket_missing',
      observe: async () => (onLinux() ? refusal('socket_missing', () => dial(endpoint)) : notOnThisSystem()),
    },
  ]
}

async function pingListener(endpoint: AbstractEndpoint) {
  if (!onLinux()) return notOnThisSystem()
  await using server = createServer((socket) => socket.pipe(socket)).listen(nodeAddress(endpoint))
  await once(server, 'listening')
  const [line = 'nothing'] = await dialogue(endpoint, ['ping'])
  return seen(line, line === 'ping')
}

function onLinux(): boolean {
  return process.platform === 'linux'
}

function notOnThisSystem() {
  return notShown('abstract names exist only on Linux')
}

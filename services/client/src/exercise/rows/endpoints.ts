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
import { dialogue } from '../../echo/dialogue.ts'
import { requestJson } from '../../http/request-json.ts'
import { statusSchema } from '../../http/schemas.ts'
import { type Check, notShown, type Observation, refusal, type Situation, seen } from '../check.ts'

/** S8: the app reaches Redis over Redis's own socket, and says so. */
export function redis({ config, expectRedis }: Situation): Check[] {
  return [config.api, config.tcpApi].map((endpoint) => ask(endpoint, expectRedis))
}

function ask(endpoint: Endpoint, expectRedis: 'up' | 'down'): Check {
  return {
    row: 'S8',
    what: "the app's word on its Redis",
    endpoint,
    expected: `redis ${expectRedis}`,
    async observe() {
      const status = await requestJson(endpoint, statusSchema, { path: '/status' })
      return seen(`redis ${status.redis}`, status.redis === expectRedis)
    },
  }
}

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

/** S10: a path that does not fit the kernel's address is refused before the kernel sees it; bytes count. */
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

/** S11: a name without a file; the kernel forgets it with its listener. */
export function abstractNames(): Check[] {
  const endpoint: AbstractEndpoint = { kind: 'abstract', name: `uds-exercise-${process.pid}` }
  return [
    {
      row: 'S11',
      what: 'listen on a name here, send "ping"',
      endpoint,
      expected: 'ping',
      observe: () => answered(endpoint),
    },
    {
      row: 'S11',
      what: 'dial it when its listener is gone',
      endpoint,
      expected: 'socket_missing',
      observe: async () => (onLinux() ? refusal('socket_missing', () => dial(endpoint)) : noSuchThing()),
    },
  ]
}

async function answered(endpoint: AbstractEndpoint) {
  if (!onLinux()) return noSuchThing()
  await using server = createServer((socket) => socket.pipe(socket)).listen(nodeAddress(endpoint))
  await once(server, 'listening')
  const [answer = 'nothing'] = await dialogue(endpoint, ['ping'])
  return seen(answer, answer === 'ping')
}

function onLinux(): boolean {
  return process.platform === 'linux'
}

function noSuchThing() {
  return notShown('abstract names are of Linux alone')
}

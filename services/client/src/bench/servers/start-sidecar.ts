import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint, TcpEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { BenchProtocol } from '../settings.ts'

/** A neighbour in a checkout; an image of the client alone has none. Started, never imported. */
const PROGRAM = new URL('../../../../sidecar/src/main.ts', import.meta.url).pathname

/** As the stack has them: echo lines are a stream, HTTP is read and checked against an allow list. */
const KINDS = { echo: { kind: 'stream' }, http: { kind: 'http', allow: ['GET /bytes'] } } as const

const START_TIMEOUT_MS = 5_000
const POLL_MS = 20

export interface RunningSidecar extends AsyncDisposable {
  readonly endpoints: Readonly<Record<BenchProtocol, Endpoint>>
}

export function hasSidecar(): boolean {
  return existsSync(PROGRAM)
}

/**
 * Starts a sidecar in front of these sockets, on ports of its own.
 * @throws Failure as the last attempt to reach it did, when it is not up in time
 */
export async function startSidecar(
  directory: string,
  upstreams: Readonly<Record<BenchProtocol, Endpoint>>,
): Promise<RunningSidecar> {
  const endpoints = { echo: await freePort(), http: await freePort() }
  const routes = (['echo', 'http'] as const).map((name) => ({
    name,
    ...KINDS[name],
    listen: formatEndpoint(endpoints[name]),
    upstream: formatEndpoint(upstreams[name]),
  }))
  const config = join(directory, 'sidecar.yaml')
  await writeFile(config, JSON.stringify({ routes })) // JSON is YAML
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, SIDECAR_CONFIG: config, LOG_LEVEL: 'error' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const ended = once(child, 'exit')
  await Promise.all(Object.values(endpoints).map(untilUp))
  const end = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return { endpoints, [Symbol.asyncDispose]: end }
}

/** One that was free a moment ago. */
async function freePort(): Promise<TcpEndpoint> {
  await using server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

async function untilUp(endpoint: Endpoint): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS
  for (;;) {
    try {
      const socket = await dial(endpoint)
      socket.on('error', () => socket.destroy()).destroy()
      return
    } catch (error) {
      if (!(error instanceof Failure) || performance.now() > deadline) throw error
      await pause(POLL_MS)
    }
  }
}

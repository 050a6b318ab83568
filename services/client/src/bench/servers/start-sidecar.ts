import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Endpoint, formatEndpoint, parseEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { BenchProtocol } from '../settings.ts'

/** A neighbour in a checkout; an image of the client alone has none. Started, never imported. */
const PROGRAM = new URL('../../../../sidecar/src/main.ts', import.meta.url).pathname

/** As the stack has them: echo lines are a stream, HTTP is read and checked against an allow list. */
const KINDS = { echo: { kind: 'stream' }, http: { kind: 'http', allow: ['GET /bytes'] } } as const

const START_TIMEOUT_MS = 30_000

export interface RunningSidecar extends AsyncDisposable {
  readonly endpoints: Readonly<Record<BenchProtocol, Endpoint>>
}

export function hasSidecar(): boolean {
  return existsSync(PROGRAM)
}

/**
 * Starts a sidecar in front of these sockets, on ports that the kernel chooses.
 * @throws Failure `upstream_timeout` when it ends, or is not up within 30 s
 */
export async function startSidecar(
  directory: string,
  upstreams: Readonly<Record<BenchProtocol, Endpoint>>,
): Promise<RunningSidecar> {
  const routes = (['echo', 'http'] as const).map((name) => ({
    name,
    ...KINDS[name],
    listen: 'tcp://127.0.0.1:0',
    upstream: formatEndpoint(upstreams[name]),
  }))
  const config = join(directory, 'sidecar.yaml')
  await writeFile(config, JSON.stringify({ routes })) // JSON is YAML
  const child = spawn(process.execPath, [PROGRAM], {
    env: { PATH: process.env.PATH, SIDECAR_CONFIG: config, LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const end = async () => {
    child.kill('SIGTERM')
    await ended
  }
  try {
    return { endpoints: await endpointsOf(child), [Symbol.asyncDispose]: end }
  } catch (error) {
    await end()
    throw error
  }
}

/** Where it listens, from the line of its log that says so. */
async function endpointsOf({ stdout }: ChildProcess): Promise<RunningSidecar['endpoints']> {
  if (stdout === null) throw new Error('the sidecar has no output')
  const lines = createInterface({ input: stdout, signal: AbortSignal.timeout(START_TIMEOUT_MS) })
  let started: string | undefined
  for await (const line of lines) {
    if (!line.includes('"msg":"started"')) continue
    started = line
    break
  }
  if (started === undefined) {
    throw new Failure('upstream_timeout', {
      message: 'the sidecar of the measurement did not start',
      hint: 'what it printed above says why',
    })
  }
  stdout.resume() // it goes on to log, and must not wait for a reader
  const { routes } = JSON.parse(started)
  return { echo: parseEndpoint(routes.echo), http: parseEndpoint(routes.http) }
}

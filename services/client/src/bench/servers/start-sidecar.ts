import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Endpoint, formatEndpoint, parseEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { BenchProtocol } from '../settings.ts'

/** Exists in a checkout, not in the image of the client. It is started, never imported. */
const PROGRAM = new URL('../../../../sidecar/src/main.ts', import.meta.url).pathname

/** Route kinds as in the stack: echo is a stream; HTTP is parsed and checked against an allow list. */
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
 * @throws Failure `upstream_timeout` when it ends or does not start within 30 s
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

/** The endpoints from the `started` line of its log. */
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
      message: 'the benchmark sidecar did not start',
      hint: 'see its output above',
    })
  }
  stdout.resume() // keep reading, or a full pipe would block its logging
  const { routes } = JSON.parse(started)
  return { echo: parseEndpoint(routes.echo), http: parseEndpoint(routes.http) }
}

import { join } from 'node:path'
import { EXIT } from '@uds-sidecar/shared/failure/failures'
import * as v from 'valibot'
import { Program, type ProgramPlan } from './program.ts'
import { REDIS_READY, redisProgram } from './redis.ts'
import type { RunDirectory } from './run-directory.ts'
import { writeSidecarConfig } from './sidecar-config.ts'

const SERVICES = join(import.meta.dirname, '../../services')

/** What the client must know about a running stack. */
export interface Stack extends AsyncDisposable {
  readonly clientEnv: NodeJS.ProcessEnv
  readonly redis: boolean
}

/** The sidecar's log line with the ports that the kernel chose. */
const started = v.object({
  ops: v.string(),
  routes: v.object({ metrics: v.string(), api: v.string(), echo: v.string() }),
})

export async function startStack(directory: RunDirectory, redis: boolean, stop: AbortSignal): Promise<Stack> {
  await using programs = new AsyncDisposableStack()
  if (redis) await programs.use(redisProgram(directory)).printed(REDIS_READY, stop)
  const app = programs.use(new Program(node('app', appEnv(directory))))
  await app.printed(/"msg":"ready"/, stop)
  const sidecarEnv = { SIDECAR_CONFIG: await writeSidecarConfig(directory) }
  const sidecar = programs.use(new Program(node('sidecar', sidecarEnv)))
  const addresses = v.parse(started, JSON.parse(await sidecar.printed(/"msg":"started"/, stop)))
  const running = programs.move()
  return {
    redis,
    clientEnv: { ...clientEnv(directory), ...tcpEnv(addresses) },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** @returns the client's exit code; not 0 if a row is not as expected */
export async function exercise({ clientEnv, redis }: Stack, stop: AbortSignal): Promise<number> {
  const args = ['exercise', ...(redis ? [] : ['--expect-redis', 'down'])]
  const env = { ...clientEnv, NODE_DISABLE_COMPILE_CACHE: '1' } // a compile cache would leave files
  await using client = new Program({ ...node('client', env, args), output: 'inherit' })
  return (await client.ended(stop)) ?? EXIT.internal
}

function node(service: string, env: NodeJS.ProcessEnv, args: readonly string[] = []): ProgramPlan {
  return { name: service, command: process.execPath, args: [mainOf(service), ...args], env }
}

function mainOf(service: string): string {
  return join(SERVICES, service, 'src/main.ts')
}

function appEnv({ metrics, api, redis }: RunDirectory): NodeJS.ProcessEnv {
  return {
    APP_METRICS: `unix:${metrics}/metrics.sock`,
    APP_API: `unix:${api}/api.sock`,
    APP_ECHO: `unix:${api}/echo.sock`,
    APP_ADMIN: `unix:${api}/admin.sock`,
    APP_REDIS: `unix:${redis}/redis.sock`,
  }
}

function clientEnv({ metrics, api }: RunDirectory): NodeJS.ProcessEnv {
  return {
    CLIENT_METRICS: `unix:${metrics}/metrics.sock`,
    CLIENT_API: `unix:${api}/api.sock`,
    CLIENT_ECHO: `unix:${api}/echo.sock`,
    CLIENT_ADMIN: `unix:${api}/admin.sock`,
  }
}

function tcpEnv({ ops, routes }: v.InferOutput<typeof started>): NodeJS.ProcessEnv {
  return {
    CLIENT_OPS: ops,
    CLIENT_TCP_METRICS: routes.metrics,
    CLIENT_TCP_API: routes.api,
    CLIENT_TCP_ECHO: routes.echo,
  }
}

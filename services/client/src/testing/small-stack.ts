import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SmallApp } from './small-app.ts'

export interface SmallStack extends AsyncDisposable {
  readonly app: SmallApp
  /** Where the sockets are. */
  readonly directory: string
  /** Environment for a client of this stack. */
  readonly env: Readonly<Record<string, string>>
}

/** Starts a listener for every endpoint of the stack: sockets with their modes in a new directory, and TCP ports. */
export async function startSmallStack(): Promise<SmallStack> {
  const cleanup = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'small-stack-'))
  await chmod(directory, 0o755)
  cleanup.defer(() => rm(directory, { recursive: true }))
  const app = new SmallApp()
  const onSocket = (name: string, server: Server, mode: number) =>
    listenOnSocket(cleanup.use(server), join(directory, name), mode)
  const onTcp = (server: Server) => listenOnTcp(cleanup.use(server))
  const tcp = {
    CLIENT_TCP_API: await onTcp(app.api()),
    CLIENT_TCP_ECHO: await onTcp(app.echo()),
    CLIENT_TCP_METRICS: await onTcp(app.metrics()),
  }
  const env = {
    CLIENT_API: await onSocket('api.sock', app.api(), 0o660),
    CLIENT_ECHO: await onSocket('echo.sock', app.echo(), 0o660),
    CLIENT_METRICS: await onSocket('metrics.sock', app.metrics(), 0o660),
    CLIENT_ADMIN: await onSocket('admin.sock', app.api(), 0o600),
    ...tcp,
    CLIENT_OPS: await onTcp(operationsPort(Object.values(tcp))),
  }
  return { app, directory, env, [Symbol.asyncDispose]: () => cleanup.disposeAsync() }
}

async function listenOnSocket(server: Server, path: string, mode: number): Promise<string> {
  await once(server.listen(path), 'listening')
  await chmod(path, mode)
  return `unix:${path}`
}

async function listenOnTcp(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The operations port of a sidecar whose routes are all streams. */
function operationsPort(listening: readonly string[]): Server {
  const up = { upstream: 'unix:@none', state: 'up', generation: 1, lastError: null }
  const routes = listening.map((listen) => ({ name: listen, kind: 'stream', listen, ...up }))
  return createServer((request, response) => {
    response.end(request.url === '/routes' ? JSON.stringify({ routes }) : '')
  })
}

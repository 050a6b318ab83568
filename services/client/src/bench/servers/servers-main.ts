import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatEndpoint, parseEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { http } from '@uds-sidecar/shared/http/node-http'
import { runMain } from '@uds-sidecar/shared/lifecycle/run-main'
import { listen } from '@uds-sidecar/shared/listen/listen'
import type { Listener } from '@uds-sidecar/shared/listen/listener'
import { BENCH_PROTOCOLS, type BenchProtocol } from '../settings.ts'
import { hasSidecar, startSidecar } from './start-sidecar.ts'

/** The measured handlers do almost nothing, so that the transport is what is measured. */
export const HANDLERS: Readonly<Record<BenchProtocol, () => Server>> = { echo: echoServer, http: httpServer }

function echoServer(): Server {
  return createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy()).pipe(socket)
  })
}

/** `GET /bytes?N` responds with N bytes. */
function httpServer(): Server {
  const bodies = new Map<string, Buffer>()
  return http.createServer({ noDelay: true }, (request, response) => {
    const url = request.url ?? ''
    const body = bodies.get(url) ?? Buffer.alloc(Number(url.slice('/bytes?'.length)), 'x')
    bodies.set(url, body)
    response.setHeader('content-length', body.length).end(body)
  })
}

/**
 * Serves each handler over a socket in a new directory and over loopback TCP, and starts a sidecar in front of the sockets
 * if there is one. Prints the endpoints as one line of JSON. When its stdin ends, it stops the sidecar, removes the
 * directory and ends: this happens whenever the parent process ends, even after a crash.
 */
async function main(): Promise<void> {
  await using started = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'uds-bench-'))
  started.defer(() => rm(directory, { recursive: true }))
  const serve = async (protocol: BenchProtocol, endpoint: string): Promise<Listener> =>
    started.use(await listen(HANDLERS[protocol](), parseEndpoint(endpoint), { drainMs: 0 }))
  const sockets = {
    echo: await serve('echo', `unix:${directory}/echo.sock`),
    http: await serve('http', `unix:${directory}/http.sock`),
  }
  const ports = {
    echo: await serve('echo', 'tcp://127.0.0.1:0'),
    http: await serve('http', 'tcp://127.0.0.1:0'),
  }
  const upstreams = { echo: sockets.echo.endpoint, http: sockets.http.endpoint }
  const sidecar = hasSidecar() ? started.use(await startSidecar(directory, upstreams)) : undefined
  const endpoints = BENCH_PROTOCOLS.map((protocol) => {
    const behind = sidecar?.endpoints[protocol]
    const socket = formatEndpoint(sockets[protocol].endpoint)
    const tcp = formatEndpoint(ports[protocol].endpoint)
    return [protocol, { socket, tcp, ...(behind === undefined ? {} : { sidecar: formatEndpoint(behind) }) }]
  })
  process.stdout.write(`${JSON.stringify(Object.fromEntries(endpoints))}\n`)
  for await (const _ of process.stdin);
}

await runMain('bench servers', main)

import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 1
const ACCEPT_TIMEOUT_MS = 10_000
const RESPONSE_TIMEOUT_MS = 20_000

/** Waits until something accepts connections there. */
export async function untilAccepting(where: NetConnectOpts): Promise<void> {
  const deadline = performance.now() + ACCEPT_TIMEOUT_MS
  while (!(await accepts(where))) {
    if (performance.now() > deadline) throw new Error(`nobody listens at ${JSON.stringify(where)}`)
    await pause(POLL_MS)
  }
}

function accepts(where: NetConnectOpts): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(where, () => {
    socket.destroy()
    resolve(true)
  })
  socket.on('error', () => resolve(false))
  return promise
}

/** An HTTP server: a port of 127.0.0.1, or a socket. */
export type Server = { readonly port: number } | { readonly socketPath: string }

/** Whether one request over a new connection gets a 200 now. */
export function responds(server: Server, path: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const request = get(
    { ...server, host: '127.0.0.1', path, agent: new Agent(), timeout: 2_000 },
    (response) => {
      response.on('end', () => resolve(response.statusCode === 200)).on('error', () => resolve(false))
      response.resume()
    },
  )
  request.on('timeout', () => request.destroy()).on('error', () => resolve(false))
  return promise
}

/** Sends requests until one gets a 200. */
export async function untilResponding(server: Server, path: string): Promise<void> {
  const deadline = performance.now() + RESPONSE_TIMEOUT_MS
  while (!(await responds(server, path))) {
    if (performance.now() > deadline)
      throw new Error(`GET ${path} of ${JSON.stringify(server)} got no 200 within ${RESPONSE_TIMEOUT_MS} ms`)
    await pause(POLL_MS)
  }
}

/** Opened at a time, so that no listen backlog overflows. */
const BATCH = 100

/** Connections from one address that send `request` and nothing more, and read nothing, until they are disposed. */
export async function slowConnections(
  port: number,
  count: number,
  localAddress: string,
  request: string,
): Promise<Disposable> {
  const connections = await openConnections(port, count, localAddress)
  for (const socket of connections)
    socket
      .on('error', () => socket.destroy())
      .pause()
      .write(request)
  return disposable(connections)
}

/** Connections that send nothing, until they are disposed. */
export async function idleConnections(port: number, count: number): Promise<Disposable> {
  return disposable(await openConnections(port, count))
}

async function openConnections(port: number, count: number, localAddress?: string): Promise<Socket[]> {
  const from = localAddress === undefined ? {} : { localAddress }
  const open: Socket[] = []
  while (open.length < count) {
    const batch = Array.from({ length: Math.min(BATCH, count - open.length) }, () =>
      connect({ port, host: '127.0.0.1', ...from }),
    )
    await Promise.all(batch.map((socket) => once(socket, 'connect')))
    open.push(...batch)
  }
  return open
}

function disposable(sockets: readonly Socket[]): Disposable {
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

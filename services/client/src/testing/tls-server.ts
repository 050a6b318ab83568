import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { PROBLEM_CONTENT_TYPE } from '@uds-sidecar/shared/failure/failure'
import { linesOf } from '../echo/dialogue.ts'

export interface TlsServer extends AsyncDisposable {
  /** `tcp://127.0.0.1:PORT`. */
  readonly endpoint: string
  /** The requests that came, oldest first. */
  readonly requests: readonly IncomingMessage[]
}

/** An HTTPS server. By default its response to everything is `{"visits": 7}`. */
export async function serveHttps(
  options: TlsOptions,
  respond: RequestListener = (_request, response) => response.end('{"visits": 7}'),
): Promise<TlsServer> {
  const requests: IncomingMessage[] = []
  const server = createHttpsServer(options, (request, response) => {
    requests.push(request)
    respond(request, response)
  })
  return { ...(await onPort(server)), requests }
}

/** An echo server that speaks TLS. */
export async function serveTlsEcho(options: TlsOptions): Promise<TlsServer> {
  const server = createTlsServer({ ...options, allowHalfOpen: true }, async (socket) => {
    socket.on('error', () => socket.destroy())
    try {
      for await (const line of linesOf(socket)) socket.write(`echo: ${line}\n`)
      socket.end()
    } catch {
      socket.destroy() // the client broke off, as it does when it has its last line
    }
  })
  return { ...(await onPort(server)), requests: [] }
}

/** A response like that of a sidecar that refuses a request. */
export function refusing(status: number, code: string): RequestListener {
  return (_request, response) => {
    const problem = JSON.stringify({ status, code, detail: `it is ${code}`, hint: 'do' })
    response.writeHead(status, { 'content-type': PROBLEM_CONTENT_TYPE }).end(problem)
  }
}

/** Starts it. Its end destroys its connections: a server of `node:tls` keeps one whose handshake failed. */
export async function onPort(server: Server) {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket)).on('tlsClientError', () => undefined)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const endpoint = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  const end = async () => {
    const closed = server[Symbol.asyncDispose]()
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { endpoint, [Symbol.asyncDispose]: end }
}

import { createServer, type Server } from 'node:net'
import { http } from '@uds-sidecar/shared/http/node-http'
import type { BenchProtocol } from '../settings.ts'

/** What is measured: handlers that do next to nothing, so that the way to them shows. */
export const HANDLERS: Readonly<Record<BenchProtocol, () => Server>> = { echo: echoServer, http: httpServer }

function echoServer(): Server {
  return createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy()).pipe(socket)
  })
}

/** `GET /bytes?N` answers with N bytes. */
function httpServer(): Server {
  const bodies = new Map<string, Buffer>()
  return http.createServer({ noDelay: true }, (request, response) => {
    const url = request.url ?? ''
    const body = bodies.get(url) ?? Buffer.alloc(Number(url.slice('/bytes?'.length)), 'x')
    bodies.set(url, body)
    response.setHeader('content-length', body.length).end(body)
  })
}

import { createServer, type RequestListener } from 'node:http'
import { createServer as createNetServer, type Server } from 'node:net'
import { PROBLEM_CONTENT_TYPE } from '@uds-sidecar/shared/failure/failure'
import { linesOf } from '../echo/dialogue.ts'

export const EXPOSITION = [
  '# HELP app_build_info What it was built from',
  '# TYPE app_build_info gauge',
  'app_build_info{version="test"} 1',
  '# HELP app_visits_total Visits counted',
  '# TYPE app_visits_total counter',
  'app_visits_total 3',
  '',
].join('\n')

/** A minimal app for tests of the client: the same interfaces as the real app, without Redis. */
export class SmallApp {
  redis: 'up' | 'down' = 'up'
  visits = 0

  api(): Server {
    return createServer((request, response) => {
      const route = this.#routes[`${request.method} ${request.url}`] ?? notFound
      route(request, response)
    })
  }

  metrics(): Server {
    return createServer((_request, response) => {
      response.setHeader('content-type', 'text/plain; version=0.0.4').end(EXPOSITION)
    })
  }

  echo(): Server {
    return createNetServer({ allowHalfOpen: true }, async (socket) => {
      socket.on('error', () => socket.destroy())
      for await (const line of linesOf(socket)) socket.write(`echo: ${line}\n`)
      socket.end()
    })
  }

  readonly #routes: Record<string, RequestListener> = {
    'GET /status': ({ headers: { traceparent } }, response) => {
      const status = {
        traceparent,
        name: 'small',
        version: 'test',
        pid: process.pid,
        redis: this.redis,
        sockets: [],
      }
      response.end(JSON.stringify(status))
    },
    'GET /-/healthy': (_, response) => response.end(),
    'GET /visits': (_, response) => response.end(JSON.stringify({ visits: this.visits })),
    'POST /visits': (_, response) => {
      if (this.redis === 'up') response.end(JSON.stringify({ visits: ++this.visits }))
      else response.writeHead(503, { 'content-type': PROBLEM_CONTENT_TYPE }).end(REDIS_DOWN)
    },
  }
}

const notFound: RequestListener = (_, response) => response.writeHead(404).end()

const REDIS_DOWN = JSON.stringify({
  title: 'Redis is away',
  status: 503,
  code: 'redis_down',
  hint: 'start it',
})

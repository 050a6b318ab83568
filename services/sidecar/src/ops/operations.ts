import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { http } from '@uds-sidecar/shared/http/node-http'
import { listen } from '@uds-sidecar/shared/listen/listen'
import type { Listener } from '@uds-sidecar/shared/listen/listener'
import { createExposition } from '../metrics/exposition.ts'
import { type OperationsView, type PageView, pageAt } from './pages.ts'

/** Few read it, and none for long. */
const BOUNDS = { headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 5_000 } as const
const MAX_CONNECTIONS = 256

/** Serves the operations port; closed, it lets requests that are under way finish. */
export async function startOperations(endpoint: Endpoint, view: OperationsView): Promise<Listener> {
  const exposition = createExposition(view.routes, view.build)
  const server = http.createServer(BOUNDS, (request, response) => {
    answer({ ...view, exposition }, request, response).catch((error: Error) => response.destroy(error))
  })
  server.maxConnections = MAX_CONNECTIONS
  return await listen(server, endpoint, { drainMs: 1_000 })
}

async function answer(view: PageView, { method, url = '/' }: IncomingMessage, response: ServerResponse) {
  if (method === 'GET' || method === 'HEAD') {
    const { status, type, body } = await pageAt(url.replace(/\?.*/, ''), view)
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    response.end(method === 'HEAD' ? undefined : body)
  } else {
    response.writeHead(405, { allow: 'GET, HEAD' }).end('only GET and HEAD\n')
  }
}

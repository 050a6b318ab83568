import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { FAILURES, statusOf } from '@uds-sidecar/shared/failure/failures'
import { http } from '@uds-sidecar/shared/http/node-http'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { boundConnections } from '@uds-sidecar/shared/listen/bound-connections'
import { Connections } from '@uds-sidecar/shared/listen/connections'
import { OPERATIONS_CONNECTIONS } from '../config/bounds.ts'
import { type ConnectionHandler, reset } from '../relay/port.ts'
import { createExposition } from './exposition.ts'
import { type OperationsView, type PageView, pageAt } from './pages.ts'

const BOUNDS = {
  connections: OPERATIONS_CONNECTIONS,
  connectionsPerAddress: OPERATIONS_CONNECTIONS / 2,
  headMs: 5_000,
  nextHeadMs: 10_000,
  bodyMs: 5_000,
} as const

const OPTIONS = { maxHeaderSize: 16 * 1_024, keepAliveTimeout: 5_000 } as const
const REQUESTS_PER_CONNECTION = 1_000

/** How often connections that became idle while draining are closed. */
const SWEEP_MS = 50

/** Answers the operations port: status, metrics and probes. */
export class Operations implements ConnectionHandler {
  readonly #server: Server
  readonly #connections: Connections
  /** The time to drain is over. */
  #isOver = false

  constructor(view: OperationsView, log: Logger) {
    const exposition = createExposition(view.routes, view.build)
    this.#server = http.createServer(OPTIONS, (request, response) => {
      answer({ ...view, exposition }, request, response).catch((error: Error) =>
        failed(log, request, response, error),
      )
    })
    this.#server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION
    this.#connections = new Connections(this.#server)
    boundConnections(this.#server, BOUNDS)
  }

  accept(client: Socket): void {
    if (this.#isOver) reset(client)
    else this.#server.emit('connection', client)
  }

  /** Requests that are under way are answered, and asked to close their connection. */
  async drain(drainMs: number): Promise<void> {
    this.#connections.startDraining()
    this.#connections.closeIdle()
    const sweep = setInterval(() => this.#connections.closeIdle(), SWEEP_MS).unref()
    setTimeout(() => {
      this.#isOver = true
      clearInterval(sweep)
      this.#connections.cut()
    }, drainMs).unref() // also for those that are accepted until the port is closed
    await this.#connections.empty(drainMs)
  }
}

async function answer(view: PageView, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = '/' } = request
  if (hasBody(request)) {
    response.writeHead(413, { connection: 'close' }).end('a request here has no body\n')
  } else if (method === 'GET' || method === 'HEAD') {
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

/** A defect costs this one response, and the log says which. */
function failed(log: Logger, { url }: IncomingMessage, response: ServerResponse, error: Error): void {
  log[FAILURES.internal_error.level]({ err: error, path: url }, 'the operations port failed to respond')
  if (response.headersSent) response.destroy(error)
  else
    response
      .writeHead(statusOf('internal_error'), { 'content-type': 'text/plain; charset=utf-8' })
      .end(`${error.message}\n`)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

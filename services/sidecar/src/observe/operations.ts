import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Failure, PROBLEM_CONTENT_TYPE, problemOf } from '@uds-sidecar/shared/failure/failure'
import { FAILURES, statusOf } from '@uds-sidecar/shared/failure/failures'
import { http } from '@uds-sidecar/shared/http/node-http'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import { boundConnections } from '@uds-sidecar/shared/listen/bound-connections'
import { Connections } from '@uds-sidecar/shared/listen/connections'
import { OPERATIONS_CONNECTIONS } from '../config/bounds.ts'
import type { Denied } from '../identity/guard.ts'
import { type Caller, callerOf } from '../relay/caller.ts'
import { type ConnectionHandler, reset } from '../relay/port.ts'
import { retryAfterSeconds } from '../relay/problem-response.ts'
import { createExposition } from './exposition.ts'
import { type OperationsAccessParts, OperationsJudge, targetOf } from './operations-access.ts'
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

/** How often, while draining, connections that have become idle are closed. */
const SWEEP_MS = 50

/** Serves the operations port: a page with the state of the routes, metrics, and health checks. */
export class Operations implements ConnectionHandler {
  readonly #server: Server
  readonly #connections: Connections
  /** Whether the time to drain has passed: new connections are then reset. */
  #isDrained = false
  readonly #access: OperationsAccessParts
  readonly #judge: OperationsJudge
  /** By the socket: the kernel tells about a caller only when its connection was accepted. */
  readonly #callers = new WeakMap<Socket, Caller>()
  /** A reload has given its port to another listener: its rules may be revoked. */
  #isRevoked = false

  constructor(view: OperationsView, access: OperationsAccessParts, log: Logger) {
    const exposition = createExposition(view)
    this.#access = access
    this.#judge = new OperationsJudge(access)
    this.#server = http.createServer(OPTIONS, (request, response) => {
      this.#respond({ ...view, exposition, isPublic: false }, request, response).catch((error: Error) =>
        failed(log, request, response, error),
      )
    })
    this.#server.maxRequestsPerSocket = REQUESTS_PER_CONNECTION
    this.#connections = new Connections(this.#server)
    boundConnections(this.#server, BOUNDS)
  }

  accept(client: Socket): void {
    if (this.#isDrained) reset(client)
    else {
      this.#callers.set(client, callerOf(client, this.#access.listen))
      this.#server.emit('connection', client)
    }
  }

  /** Finishes requests in flight with `Connection: close`, and resets connections that are open after `drainMs`. */
  async drain(drainMs: number): Promise<void> {
    this.#connections.startDraining()
    this.#connections.closeIdle()
    const sweep = setInterval(() => this.#connections.closeIdle(), SWEEP_MS).unref()
    setTimeout(() => {
      this.#isDrained = true
      clearInterval(sweep)
      this.#connections.cut()
    }, drainMs).unref() // includes connections that are accepted before the port is closed
    await this.#connections.empty(drainMs)
  }

  /** Its rules count no more: further requests on its connections are refused. */
  revoke(): void {
    this.#isRevoked = true
  }

  async #respond(view: PageView, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (hasBody(request)) {
      response.writeHead(413, { connection: 'close' }).end('the operations port accepts no request body\n')
      return
    }
    const caller = this.#callers.get(request.socket) ?? callerOf(request.socket, this.#access.listen)
    const admission = this.#isRevoked ? REVOKED : await this.#judge.judge(request, caller)
    if (admission !== null && 'failure' in admission) refuse(admission, request, response)
    else
      await respond({ ...view, isPublic: admission !== null && admission.user === null }, request, response)
  }
}

const REVOKED: Denied = {
  failure: new Failure('draining', {
    message: 'a new configuration has replaced the listener of this connection',
    hint: 'send the request again on a new connection',
  }),
  user: null,
}

function refuse(
  { failure, challenges = [] }: Denied,
  { method }: IncomingMessage,
  response: ServerResponse,
): void {
  const retryAfter = retryAfterSeconds(failure.status)
  const body = JSON.stringify(problemOf(failure))
  response.writeHead(failure.status, {
    'content-type': PROBLEM_CONTENT_TYPE,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'retry-after': `${retryAfter}` }),
    ...(challenges.length === 0 ? {} : { 'www-authenticate': [...challenges] }),
  })
  response.end(method === 'HEAD' ? undefined : body)
}

async function respond(view: PageView, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method } = request
  if (method === 'GET' || method === 'HEAD') {
    const { status, type, body, fields } = await pageAt(targetOf(request), view)
    response.writeHead(status, {
      ...fields,
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
    })
    response.end(method === 'HEAD' ? undefined : body)
  } else {
    response.writeHead(405, { allow: 'GET, HEAD' }).end('the operations port accepts only GET and HEAD\n')
  }
}

/** After an internal error: 500 with the message, or a broken connection when the response has already begun. Logged. */
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

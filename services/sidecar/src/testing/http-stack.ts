import type { Socket } from 'node:net'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Sidecar, SidecarOptions } from '../sidecar/sidecar.ts'
import { aTurn, Conversation } from './conversation.ts'
import { type OnReceived, play, type RawServer, rawServer } from './raw-server.ts'
import { portOf, sidecarWith } from './sidecar-with.ts'

/** The request that most tests send. */
export const GET = 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n'
/** A response with the body `ok`. */
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
/** A Date field for responses that a test compares byte by byte: the sidecar adds one only where it is missing. */
export const DATE = 'Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n'

/** Clients, a sidecar with one HTTP route, and an upstream whose behaviour the test decides. */
export interface HttpStack extends AsyncDisposable {
  readonly sidecar: Sidecar
  readonly server: RawServer
  /** The connections on which the upstream received a request; a probe sends none. */
  readonly connections: readonly Socket[]
  readonly socketPath: string
  /** Connects a client to the route. Disposing the stack closes it. */
  open(): Conversation
  /** Like `open`, but waits until the sidecar has accepted: bytes sent in pieces then arrive in pieces. */
  openAndWait(): Promise<Conversation>
  /** How many failures with this code the route has counted. */
  failures(code: FailureCode): number
  /** How many responses with this status the route has counted. */
  responses(status: number): number
}

const EVERYTHING = 'GET|POST|PUT|DELETE|OPTIONS|PATCH /*, OPTIONS *'

/**
 * Starts a sidecar with one HTTP route and its upstream, in this process.
 * @param behaviour of the upstream.
 * @param settings more settings of the route, as in the configuration file, such as `timeouts: {idle: 100ms}`. Unless
 * they have `allow`, every path is allowed.
 * @param options of the sidecar, such as a `HeldClock`.
 */
export async function httpStack(
  behaviour: OnReceived,
  settings = '',
  options: SidecarOptions = {},
): Promise<HttpStack> {
  const run = await tempDirectory()
  const socketPath = `${run.path}/u`
  const connections: Socket[] = []
  const server = await rawServer(socketPath, (socket) => {
    socket.once('data', () => connections.push(socket))
    play(socket, behaviour)
  })
  const sidecar = await sidecarWith(
    `
drain: 500ms
routes:
  - {name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${socketPath}",
     ${settings.includes('allow:') ? '' : `allow: [${EVERYTHING}],`} ${settings}}
`,
    options,
  )
  return { ...stackOf(sidecar, run, server), connections, socketPath }
}

function stackOf(
  sidecar: Sidecar,
  run: TempDirectory,
  server: RawServer,
): Omit<HttpStack, 'connections' | 'socketPath'> {
  const conversations: Conversation[] = []
  const counters = sidecar.routes[0]?.counters
  const open = () => {
    const conversation = new Conversation(portOf(sidecar))
    conversations.push(conversation)
    return conversation
  }
  return {
    sidecar,
    server,
    open,
    async openAndWait() {
      const before = counters?.connectionsTotal
      const conversation = open()
      while (counters?.connectionsTotal === before) await aTurn()
      return conversation
    },
    failures: (code) => counters?.failures.get(code) ?? 0,
    responses: (status) =>
      [...(counters?.responses.values() ?? [])].reduce(
        (sum, byStatus) => sum + (byStatus.get(status) ?? 0),
        0,
      ),
    async [Symbol.asyncDispose]() {
      for (const conversation of conversations) conversation[Symbol.dispose]()
      await eventually('the connections to be closed', () => counters?.connectionsOpen === 0)
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

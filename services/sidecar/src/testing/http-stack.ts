import type { Socket } from 'node:net'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { aTurn } from './a-turn.ts'
import { Conversation } from './conversation.ts'
import { type RawServer, rawServer } from './raw-server.ts'
import { portOf, sidecarWith } from './sidecar-with.ts'

/** What an upstream has received on one connection so far, and how to answer. */
export interface Dialogue {
  readonly socket: Socket
  received: string
}

export interface HttpStack extends AsyncDisposable {
  readonly sidecar: Sidecar
  readonly server: RawServer
  /** The upstream's connections over which something was received, which a probe's are not. */
  readonly connections: readonly Socket[]
  readonly socketPath: string
  /** A client's conversation with the route; ended when the stack is. */
  open(): Conversation
  /** The same, once the sidecar has accepted it: what is sent in pieces from then on is received in pieces. */
  openAndWait(): Promise<Conversation>
  /** How many requests failed with this code. */
  failures(code: FailureCode): number
  /** How many requests were answered with this status. */
  answers(status: number): number
}

const EVERYTHING = 'GET|POST|PUT|DELETE|OPTIONS|PATCH /*, OPTIONS *'

/** Called whenever a connection has received more; a probe that sends nothing is never seen. */
export type OnReceived = (dialogue: Dialogue) => void

/**
 * A sidecar with one HTTP route, which allows everything unless `settings` say otherwise, in front of an upstream that a test plays by hand.
 * @param settings more of the route, as in the configuration file, such as `timeouts: {idle: 100ms}`.
 */
export async function httpStack(onReceived: OnReceived, settings = ''): Promise<HttpStack> {
  const run = await tempDirectory()
  const socketPath = `${run.path}/u`
  const connections: Socket[] = []
  const server = await rawServer(socketPath, (socket) => {
    socket.once('data', () => connections.push(socket))
    play(socket, onReceived)
  })
  const sidecar = await sidecarWith(`
drain: 500ms
routes:
  - {name: web, kind: http, listen: "tcp://127.0.0.1:0", upstream: "unix:${socketPath}",
     ${settings.includes('allow:') ? '' : `allow: [${EVERYTHING}],`} ${settings}}
`)
  return { ...stackOf(sidecar, run, server), connections, socketPath }
}

function play(socket: Socket, onReceived: OnReceived): void {
  const dialogue = { socket, received: '' }
  socket.on('data', (chunk) => {
    dialogue.received += chunk.toString('latin1')
    onReceived(dialogue)
  })
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
    answers: (status) =>
      [...(counters?.answers.values() ?? [])].reduce((sum, byStatus) => sum + (byStatus.get(status) ?? 0), 0),
    async [Symbol.asyncDispose]() {
      for (const conversation of conversations) conversation[Symbol.dispose]()
      await eventually('the connections to be closed', () => counters?.connectionsOpen === 0)
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await run[Symbol.asyncDispose]()
    },
  }
}

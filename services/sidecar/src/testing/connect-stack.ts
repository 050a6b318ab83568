import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { type Lookup, Resolver } from '../egress/resolver.ts'
import type { Sidecar } from '../sidecar/sidecar.ts'
import type { TestPair } from './certificates.ts'
import { Conversation } from './conversation.ts'
import { sidecarWith } from './sidecar-with.ts'

export const NAME = 'api.example.org'

/** A server on TCP that keeps what it has seen. */
export interface Remote extends AsyncDisposable {
  readonly port: number
  readonly sockets: readonly Socket[]
  /** All bytes of all its connections, in latin1. */
  received(): string
}

/** @param onConnection by default each byte is sent back */
export async function remote(
  host: string,
  { port = 0, onConnection = echo }: { port?: number; onConnection?: (socket: Socket) => void } = {},
): Promise<Remote> {
  let received = ''
  const sockets: Socket[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket.on('error', () => socket.destroy()))
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1')
    })
    onConnection(socket)
  })
  return { ...(await listening(server, host, port)), sockets, received: () => received }
}

function echo(socket: Socket): void {
  socket.pipe(socket)
}

/** A TLS server that sends each byte back, and the names that its clients asked for. */
export async function tlsRemote(pair: TestPair) {
  const names: (string | false | null)[] = []
  const sockets: TLSSocket[] = []
  const server = createTlsServer({ ...pair, allowHalfOpen: true }, (socket) => {
    names.push(socket.servername)
    sockets.push(socket.on('error', () => socket.destroy()))
    socket.pipe(socket)
  })
  return { ...(await listening(server, '127.0.0.1', 0)), names, sockets, pair }
}

async function listening(server: Server, host: string, port: number) {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => socket.destroy()).once('close', () => open.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** A sidecar with one route of kind connect, on a Unix socket, and a resolver of the test's own. */
export interface ConnectStack extends AsyncDisposable {
  readonly sidecar: Sidecar
  readonly directory: TempDirectory
  /** Names that were looked up, with their trailing dot. */
  readonly asked: readonly string[]
  /** Sends a CONNECT, and bytes after it. */
  connect(authority: string, more?: { readonly host?: string; readonly early?: Buffer }): Conversation
  /** Refusals counted so far, without those that are 0. */
  denied(): Record<string, number>
  failed(): Record<string, number>
}

export interface ConnectStackOptions {
  readonly allow: readonly string[]
  /** More settings of the route, in YAML flow style. */
  readonly settings?: string
  /** More of the configuration file, in YAML flow style. */
  readonly more?: string
  /** More routes, in YAML flow style. */
  readonly routes?: (directory: TempDirectory) => string
  readonly names?: Names
  /** Of the deadlines, such as that of a `HeldClock`. */
  readonly clock?: () => number
}

/** The addresses of each name; a function is asked at each look-up; a text is the errno. Other names do not exist. */
export type Names = Readonly<Record<string, readonly string[] | string | (() => readonly string[])>>

export async function connectStack({
  allow,
  settings = 'allowAddresses: [127.0.0.1/32]',
  more = '',
  routes = () => '',
  names = { [NAME]: ['127.0.0.1'] },
  clock,
}: ConnectStackOptions): Promise<ConnectStack> {
  const directory = await tempDirectory()
  const asked: string[] = []
  const path = directory.at('proxy.sock')
  const route = `{name: out, kind: connect, listen: "unix:${path}", allow: [${allow.map((rule) => `"${rule}"`).join(', ')}], ${settings}}`
  const resolver = resolverOf(names, asked)
  const sidecar = await sidecarWith(`{${more} routes: [${route}${routes(directory)}]}`, {
    resolver,
    ...(clock && { clock }),
  })
  const counters = () => sidecar.routes[0]?.counters
  return {
    sidecar,
    directory,
    asked,
    connect(authority, { host = authority, early } = {}) {
      const head = Buffer.from(`CONNECT ${authority} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1')
      return new Conversation(path).send(early === undefined ? head : Buffer.concat([head, early]))
    },
    denied: () => positive(counters()?.egressDenied ?? new Map()),
    failed: () => positive(counters()?.failures ?? new Map()),
    async [Symbol.asyncDispose]() {
      await sidecar[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

/** @param asked gets the names that are looked up */
export function resolverOf(names: Names, asked: string[] = []): Resolver {
  const lookup: Lookup = (name, _options, callback) => {
    asked.push(name)
    const known = names[name.replace(/\.$/, '')] ?? 'ENOTFOUND'
    const addresses = typeof known === 'function' ? known() : known
    if (typeof addresses === 'string') callback(Object.assign(new Error(addresses), { code: addresses }), [])
    else
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
  }
  return new Resolver({ lookup, hostsFile: '/nowhere' })
}

function positive(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].filter(([, count]) => count > 0))
}

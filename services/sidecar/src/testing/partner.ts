import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo, Server, Socket } from 'node:net'
import { createServer as createPlainServer } from 'node:net'
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import type { FailureCode } from '@uds-sidecar/shared/failure/failures'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import { Resolver, type ResolverOptions } from '../egress/resolver.ts'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { Conversation } from './conversation.ts'
import { type OnReceived, play } from './raw-server.ts'
import { sidecarWith } from './sidecar-with.ts'

/** A server on 127.0.0.1 that a sidecar reaches on its way out. */
export interface Partner extends AsyncDisposable {
  readonly port: number
  /** Of each connection whose handshake it has finished, the oldest first. */
  readonly sockets: readonly Socket[]
  /** Connections that it has accepted, those with a failed handshake included. */
  accepted(): number
  readonly server: Server
}

/**
 * @param behaviour on each connection
 * @param tls certificate, key, and what else `tls.createServer` takes; undefined: without TLS.
 * @param port by default a free one.
 */
export async function partner(behaviour: OnReceived, tls?: TlsOptions, port = 0): Promise<Partner> {
  const sockets: Socket[] = []
  const raw = new Set<Socket>()
  const take = (socket: Socket) => {
    sockets.push(socket.on('error', () => socket.destroy()))
    play(socket, behaviour)
  }
  const server =
    tls === undefined
      ? createPlainServer({ allowHalfOpen: true }, take)
      : createServer({ allowHalfOpen: true, ...tls }, (socket: TLSSocket) => take(socket))
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted += 1
    raw.add(socket)
    socket.once('close', () => raw.delete(socket))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    accepted: () => accepted,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of [...sockets, ...raw]) socket.destroy()
      server.close()
    },
  }
}

/** Every name is this machine, but for those in `others`. */
export function localResolver(
  others: Readonly<Record<string, readonly string[]>> = {},
  options: ResolverOptions = {},
) {
  const asked: string[] = []
  const resolver = new Resolver({
    hostsFile: '/dev/null',
    ...options,
    lookup: (name, _options, callback) => {
      asked.push(name)
      const addresses = others[name.replace(/\.$/, '')] ?? ['127.0.0.1']
      const found = addresses.map(
        (address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }),
      )
      const missing = Object.assign(new Error('not found'), { code: 'ENOTFOUND' })
      callback(found.length === 0 ? missing : null, found)
    },
  })
  return { resolver, asked }
}

/** A sidecar with one route from a socket to a partner. */
export interface WayOutStack extends AsyncDisposable {
  readonly sidecar: Sidecar
  readonly directory: TempDirectory
  /** An app: it speaks plain HTTP on the socket. */
  open(): Conversation
  failures(code: FailureCode): number
}

/**
 * @param settings of the route, as in the configuration file; without `kind` it is http and allows everything. `$D` is
 * the directory of the stack. Names may resolve to 127.0.0.1.
 */
export async function wayOutStack(
  settings: string,
  {
    resolver = localResolver().resolver,
    top = '',
    files = {} as Readonly<Record<string, string>>,
    allowAddresses = ['127.0.0.1/32'],
  } = {},
): Promise<WayOutStack> {
  const directory = await tempDirectory('out-')
  for (const [name, text] of Object.entries(files)) await writeFile(directory.at(name), text)
  const kind = settings.includes('kind:') ? '' : 'kind: http,'
  const rules =
    settings.includes('kind:') || settings.includes('allow:') ? '' : ', allow: [GET|POST|PUT|OPTIONS /*]'
  const text = `
drain: 500ms
${top}
routes:
  - {name: out, ${kind} listen: "unix:${directory.at('out.sock')}", ${settings.replaceAll('$D', directory.path)}${rules}, allowAddresses: [${allowAddresses.join(', ')}]}
`
  const conversations: Conversation[] = []
  let sidecar: Sidecar
  try {
    sidecar = await sidecarWith(text, { resolver })
  } catch (error) {
    await directory[Symbol.asyncDispose]()
    throw error
  }
  return {
    sidecar,
    directory,
    open() {
      const conversation = new Conversation(directory.at('out.sock'))
      conversations.push(conversation)
      return conversation
    },
    failures: (code) => sidecar.routes[0]?.counters.failures.get(code) ?? 0,
    async [Symbol.asyncDispose]() {
      for (const conversation of conversations) conversation[Symbol.dispose]()
      await sidecar[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Authority, KeyPair } from '@uds-sidecar/shared/testing/authority'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { Conversation } from './conversation.ts'
import { localResolver, partner } from './partner.ts'
import { type OnReceived, play, rawServer } from './raw-server.ts'
import { portOf, sidecarWith } from './sidecar-with.ts'

const NAME = 'app.example.org'

/** From which kind of listener to which kind of upstream a request goes. */
export const WAYS = ['TCP → socket', 'TLS → socket', 'socket → socket', 'socket → TLS'] as const
export type Way = (typeof WAYS)[number]

/** Certificates for `localhost`, 127.0.0.1 and the upstream of {@link wayStack}. */
export interface WayCertificates {
  readonly ca: Authority
  readonly pair: KeyPair
}

export async function wayCertificates(ca: Authority): Promise<WayCertificates> {
  return { ca, pair: await ca.issue({ names: `DNS:localhost,IP:127.0.0.1,DNS:${NAME}` }) }
}

/** A sidecar with one HTTP route, its upstream, and clients. */
export interface WayStack extends AsyncDisposable {
  readonly sidecar: Sidecar
  /** The connections on which the upstream received something. */
  readonly connections: readonly Socket[]
  /** Where clients connect: a port of localhost, or the path of a socket. */
  readonly address: { readonly port: number } | { readonly path: string }
  open(): Conversation
}

/** @param settings of the route, `allow` included */
export async function wayStack(
  way: Way,
  { ca, pair }: WayCertificates,
  behaviour: OnReceived,
  settings: string,
  drain = '500ms',
): Promise<WayStack> {
  const [from, to] = way.split(' → ')
  const directory = await tempDirectory()
  const connections: Socket[] = []
  const seen: OnReceived = (dialogue) => {
    if (!connections.includes(dialogue.socket)) connections.push(dialogue.socket)
    behaviour(dialogue)
  }
  const out = to === 'TLS' ? await partner(seen, { cert: pair.cert, key: pair.key }) : null
  const own = out ?? (await rawServer(directory.at('u'), (socket) => play(socket, seen)))
  const listen =
    from === 'socket'
      ? `listen: "unix:${directory.at('l')}"`
      : `listen: "tcp://127.0.0.1:0"${from === 'TLS' ? `, tls: {certificate: ${pair.certFile}, key: ${pair.keyFile}}` : ''}`
  const upstream =
    out === null
      ? `upstream: "unix:${directory.at('u')}"`
      : `upstream: "tcp://${NAME}:${out.port}", upstreamTls: {ca: ${ca.certFile}}, allowAddresses: [127.0.0.1/32]`
  const sidecar = await sidecarWith(
    `{drain: ${drain}, routes: [{name: web, kind: http, ${listen}, ${upstream}, ${settings}}]}`,
    { resolver: localResolver().resolver },
  )
  const address = from === 'socket' ? { path: directory.at('l') } : { port: portOf(sidecar) }
  const conversations: Conversation[] = []
  return {
    sidecar,
    connections,
    address,
    open() {
      const to = 'path' in address ? address.path : address.port
      const tls = { host: 'localhost', servername: 'localhost', ca: ca.cert, allowHalfOpen: true }
      const conversation = new Conversation(from === 'TLS' ? connectTls({ ...tls, ...address }) : to)
      conversations.push(conversation)
      return conversation
    },
    async [Symbol.asyncDispose]() {
      for (const conversation of conversations) conversation[Symbol.dispose]()
      await sidecar[Symbol.asyncDispose]()
      await own[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

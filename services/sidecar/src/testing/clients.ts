import { writeFile } from 'node:fs/promises'
import { type TempDirectory, tempDirectory } from '@uds-sidecar/shared/testing/files'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { Conversation } from './conversation.ts'
import { mirror, type OnReceived, play, type RawServer, rawServer } from './raw-server.ts'
import { configFrom, portOf, sidecarWith } from './sidecar-with.ts'

export const TOKEN = 'a-token-of-prometheus'
export const OTHER_TOKEN = 'a-token-of-the-operator'
export const BEARER = `Authorization: Bearer ${TOKEN}\r\n`
export const OTHER_BEARER = `Authorization: Bearer ${OTHER_TOKEN}\r\n`
export const WRONG_BEARER = 'Authorization: Bearer a-token-of-nobody-at-all\r\n'

export function basic(userAndPassword: string): string {
  return `Authorization: Basic ${Buffer.from(userAndPassword).toString('base64')}\r\n`
}

export const PASSWORD = basic('grafana:open sesame')
/** bcrypt of `open sesame` with the lowest cost. */
const HTPASSWD = 'grafana:$2b$04$nBUc9ii/EBX6zxCG40s2meCNu6mX.wsxxqOsjVvbuNN37wgGefGSG'

/** A sidecar whose route `web` knows clients, in front of an upstream that sends back the head of each request. */
export interface ClientStack extends AsyncDisposable {
  readonly sidecar: Sidecar
  readonly server: RawServer
  readonly directory: TempDirectory
  /** The text of its configuration, with other settings of the route. */
  text(settings: string, more?: string, client?: string): string
  /** Changes the configuration. @param client one more, such as `mesh: {certificate: …}` */
  apply(settings: string, more?: string, client?: string): Promise<void>
  open(): Conversation
  /** The response to one request on a connection of its own. @param line such as `GET /a` */
  ask(line: string, fields?: string): Promise<string>
}

/**
 * @param settings of the route beside `name` and `upstream`, such as `allow: [GET /a for prometheus]`; it listens on a free
 * port of 127.0.0.1, or on `web.sock` with `unix`.
 * @param more settings of the file, such as `ops: …,`.
 */
export async function clientStack(
  settings: string,
  {
    more = '',
    unix = false,
    behaviour = mirror,
  }: { more?: string; unix?: boolean; behaviour?: OnReceived } = {},
): Promise<ClientStack> {
  const directory = await tempDirectory()
  await writeFile(directory.at('prometheus'), `${TOKEN}\n`)
  await writeFile(directory.at('operator'), `${OTHER_TOKEN}\n`)
  await writeFile(directory.at('htpasswd'), `${HTPASSWD}\n`)
  const clients = [
    `prometheus: {token: ${directory.at('prometheus')}}`,
    `operator: {token: ${directory.at('operator')}}`,
    `grafana: {basic: ${directory.at('htpasswd')}}`,
    `me: {uid: ${process.getuid?.()}}`,
    `group: {gid: ${process.getgid?.()}}`,
    'stranger: {uid: 4000000}',
  ]
  const server = await rawServer(directory.at('u'), (socket) => play(socket, behaviour))
  const listen = unix ? `unix:${directory.at('web.sock')}` : 'tcp://127.0.0.1:0'
  const text = (given: string, others = more, client = 'spare: {uid: 4000001}') => {
    const kind = given.includes('kind:') ? '' : 'kind: http, '
    const route = `{name: web, ${kind}listen: "${listen}", upstream: "unix:${directory.at('u')}", ${given}}`
    return `{drain: 500ms, clients: {${[...clients, client].join(', ')}}, ${others} routes: [${route}]}`
  }
  const sidecar = await sidecarWith(text(settings))
  const conversations: Conversation[] = []
  const open = () => {
    const conversation = new Conversation(unix ? directory.at('web.sock') : portOf(sidecar, 'web'))
    conversations.push(conversation)
    return conversation
  }
  return {
    sidecar,
    server,
    directory,
    text,
    apply: (given, others, client) => sidecar.apply(configFrom(text(given, others, client))),
    open,
    ask: (line, fields = '') =>
      open().send(`${line} HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`).toItsEnd(),
    async [Symbol.asyncDispose]() {
      for (const conversation of conversations) conversation[Symbol.dispose]()
      await sidecar[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

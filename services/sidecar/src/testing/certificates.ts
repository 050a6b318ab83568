import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { type ConnectionOptions, connect } from 'node:tls'
import { promisify } from 'node:util'
import { tempDirectory } from '@uds-sidecar/shared/testing/files'
import { eventually } from '@uds-sidecar/shared/testing/waiting'
import { Conversation } from './conversation.ts'

const run = promisify(execFile)

/** A self-signed certificate for localhost and 127.0.0.1 with a subject of its own, and its key: clients trust it as their CA. */
export interface TestPair {
  readonly cert: string
  readonly key: string
}

/** The minimum that `openssl ca` needs; it can issue certificates that have expired already. */
const CA_CONFIG = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
`

/**
 * Makes a pair with openssl.
 * @param from first day, as YYMMDD; by default long ago.
 * @param to last day, as YYMMDD; by default in the far future.
 */
export async function makePair(from = '200101', to = '480101'): Promise<TestPair> {
  await using directory = await tempDirectory('tls-')
  const cwd = directory.path
  await writeFile(directory.at('ca.cnf'), CA_CONFIG)
  await writeFile(directory.at('index.txt'), '')
  const serial = `${Math.floor(Math.random() * 2 ** 40)}`.padStart(14, '0')
  await writeFile(directory.at('serial'), serial)
  const san = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem']
  await run(
    'openssl',
    ['req', '-new', '-config', 'ca.cnf', '-subj', `/CN=${serial}`, ...ec, '-addext', san, '-out', 'csr.pem'],
    { cwd },
  )
  const dates = ['-startdate', `${from}000000Z`, '-enddate', `${to}000000Z`]
  const ca = ['ca', '-config', 'ca.cnf', '-selfsign', '-batch', '-notext', '-keyfile', 'key.pem', ...dates]
  await run('openssl', [...ca, '-in', 'csr.pem', '-out', 'cert.pem'], { cwd })
  const cert = await readFile(directory.at('cert.pem'), 'utf8')
  const key = await readFile(directory.at('key.pem'), 'utf8')
  return { cert, key }
}

/** A directory with `tls.crt` and `tls.key`, as a Kubernetes secret has it: links into a directory that is swapped. */
export async function secretDirectory({ cert, key }: TestPair) {
  const directory = await tempDirectory('tls-')
  let version = 0
  const swap = async (pair: TestPair): Promise<void> => {
    version += 1
    await mkdir(directory.at(`..${version}`))
    await writeFile(directory.at(`..${version}/tls.crt`), pair.cert)
    await writeFile(directory.at(`..${version}/tls.key`), pair.key)
    await symlink(`..${version}`, directory.at('..next'))
    await rename(directory.at('..next'), directory.at('..data'))
  }
  await swap({ cert, key })
  for (const name of ['tls.crt', 'tls.key']) await symlink(`..data/${name}`, directory.at(name))
  return {
    certificate: directory.at('tls.crt'),
    key: directory.at('tls.key'),
    swap,
    /** Replaces one file, as certbot does one after the other. */
    async replace(name: 'tls.crt' | 'tls.key', text: string): Promise<void> {
      await writeFile(directory.at('next'), text)
      await rename(directory.at('next'), directory.at(name))
    },
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}

export type SecretDirectory = Awaited<ReturnType<typeof secretDirectory>>

/** The setting `tls` of a listener, as text for the configuration file. */
export function tlsText(
  { certificate, key }: Pick<SecretDirectory, 'certificate' | 'key'>,
  more = '',
): string {
  return `tls: {certificate: ${certificate}, key: ${key}${more === '' ? '' : `, ${more}`}}`
}

/** Connects with TLS to `port` of 127.0.0.1, and trusts `pair`. Its sockets may be half-closed. */
export function tlsConversation(port: number, pair: TestPair, options: ConnectionOptions = {}) {
  const fixed = { port, host: '127.0.0.1', servername: 'localhost', ca: pair.cert, allowHalfOpen: true }
  const socket = connect({ ...fixed, ...options })
  let isSecure = false
  socket.once('secureConnect', () => {
    isSecure = true
  })
  const conversation = new Conversation(socket)
  const toItsStart = () => eventually('the handshake to end', () => isSecure || conversation.ending !== null)
  return Object.assign(conversation, { socket, toItsStart })
}

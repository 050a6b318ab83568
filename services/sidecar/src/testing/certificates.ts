import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { before } from 'node:test'
import { type ConnectionOptions, connect } from 'node:tls'
import { promisify } from 'node:util'
import { Authority, type KeyPair } from '@uds-sidecar/shared/testing/authority'
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
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
`

/** How a certificate differs from one that its issuer gives to a server or client for a long time. */
export interface Issued {
  /** The common name; by default a random number. */
  readonly name?: string
  /** Who signs; by default it signs itself. */
  readonly issuer?: TestPair
  /** Lines of an openssl x509v3_config(5), such as `subjectAltName=URI:spiffe://example.org/a`. */
  readonly extensions?: readonly string[]
  /** First and last day, as YYMMDD; by default from long ago to the far future. */
  readonly from?: string
  readonly to?: string
}

/** Makes a certificate and its key with openssl. */
export async function issue({ name, issuer, extensions = [], from, to }: Issued): Promise<TestPair> {
  await using directory = await tempDirectory('tls-')
  const cwd = directory.path
  await writeFile(directory.at('ca.cnf'), [CA_CONFIG, '[more]', ...extensions, ''].join('\n'))
  await writeFile(directory.at('index.txt'), '')
  const serial = `${Math.floor(Math.random() * 2 ** 40)}`.padStart(14, '0')
  await writeFile(directory.at('serial'), serial)
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'key.pem']
  const subject = ['-subj', `/CN=${name ?? serial}`]
  await run('openssl', ['req', '-new', '-config', 'ca.cnf', ...subject, ...ec, '-out', 'csr.pem'], { cwd })
  const key = await readFile(directory.at('key.pem'), 'utf8')
  await writeFile(directory.at('issuer.pem'), issuer?.cert ?? '')
  await writeFile(directory.at('issuer.key'), issuer?.key ?? key)
  const dates = ['-startdate', `${from ?? '200101'}000000Z`, '-enddate', `${to ?? '480101'}000000Z`]
  const signer = issuer === undefined ? ['-selfsign'] : ['-cert', 'issuer.pem']
  const ca = ['ca', '-config', 'ca.cnf', ...signer, '-keyfile', 'issuer.key', '-extensions', 'more', ...dates]
  await run('openssl', [...ca, '-batch', '-notext', '-in', 'csr.pem', '-out', 'cert.pem'], { cwd })
  return { cert: await readFile(directory.at('cert.pem'), 'utf8'), key }
}

/**
 * Makes a pair for a server, which clients trust as their CA.
 * @param from first day, as YYMMDD; by default long ago.
 * @param to last day, as YYMMDD; by default in the far future.
 */
export function makePair(from?: string, to?: string): Promise<TestPair> {
  const extensions = ['subjectAltName=DNS:localhost,IP:127.0.0.1']
  return issue({ extensions, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) })
}

/** The DER of the first certificate in PEM. */
export function derOf({ cert }: Pick<TestPair, 'cert'>): Buffer {
  const [, base64 = ''] = /-----BEGIN CERTIFICATE-----([^-]+)-----END/.exec(cert) ?? []
  return Buffer.from(base64, 'base64')
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

/** A certificate for `name`, and the CA that has issued it. Both are made before the tests of the file begin. */
export function issuedTo(name: string): { readonly ca: Authority; readonly pair: KeyPair } {
  let ca: Authority
  let pair: KeyPair
  before(async () => {
    ca = await Authority.create()
    pair = await ca.issue({ names: `DNS:${name}` })
    return () => ca[Symbol.asyncDispose]()
  })
  return {
    get ca() {
      return ca
    },
    get pair() {
      return pair
    },
  }
}

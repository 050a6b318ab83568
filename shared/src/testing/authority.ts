import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type TempDirectory, tempDirectory } from './files.ts'

const run = promisify(execFile)

/** What `openssl ca` needs at least. It can issue certificates that have expired already. */
const CONFIG = `string_mask = utf8only
[ca]
default_ca = own
[own]
database = index.txt
rand_serial = yes
unique_subject = no
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
string_mask = utf8only
[name]
`

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** What a certificate says. */
export interface Issued {
  /** The common name. Default: `test`. */
  readonly name?: string
  /** `subjectAltName`, as openssl writes it. Default: localhost and 127.0.0.1. */
  readonly names?: string
  /** First second, as YYMMDDHHMMSSZ. Default: in the year 2020. */
  readonly from?: string
  /** Last second. Default: in the year 2048. */
  readonly to?: string
  /** More extensions, as openssl writes them. */
  readonly extensions?: readonly string[]
}

/** A certificate and its key: PEM text, and the files that hold it. */
export interface KeyPair {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

/** A certificate authority for one test. openssl(1) makes its certificates, each with a key of its own. */
export class Authority implements AsyncDisposable {
  /** Its own certificate, as PEM text. */
  readonly cert: string
  readonly certFile: string
  readonly #directory: TempDirectory
  #issued = 0

  private constructor(directory: TempDirectory, cert: string) {
    this.#directory = directory
    this.cert = cert
    this.certFile = directory.at('ca.crt')
  }

  static async create(name = 'Test CA'): Promise<Authority> {
    const directory = await tempDirectory('ca-')
    await writeFile(directory.at('ca.cnf'), CONFIG)
    await writeFile(directory.at('index.txt'), '')
    const own = ['-subj', `/CN=${name}`, '-days', '36500', '-addext', 'basicConstraints=critical,CA:TRUE']
    const files = ['-keyout', 'ca.key', '-out', 'ca.crt']
    await run('openssl', ['req', '-x509', '-config', 'ca.cnf', ...NEW_KEY, ...own, ...files], {
      cwd: directory.path,
    })
    return new Authority(directory, await readFile(directory.at('ca.crt'), 'utf8'))
  }

  /** A certificate that this authority has signed. */
  issue(what: Issued = {}): Promise<KeyPair> {
    return this.#make(what, ['-cert', 'ca.crt', '-keyfile', 'ca.key'])
  }

  /** A certificate that its own key has signed. */
  selfSigned(what: Issued = {}): Promise<KeyPair> {
    return this.#make(what, ['-selfsign'])
  }

  /** The path of a new file in its directory. */
  at(name: string): string {
    return this.#directory.at(name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]()
  }

  async #make(
    { name = 'test', names = 'DNS:localhost,IP:127.0.0.1', from, to, extensions = [] }: Issued,
    signer: readonly string[],
  ): Promise<KeyPair> {
    const stem = `${++this.#issued}`
    const cwd = this.#directory.path
    const [certFile, keyFile] = [this.at(`${stem}.crt`), this.at(`${stem}.key`)]
    const added = [`subjectAltName=${names}`, ...extensions].flatMap((each) => ['-addext', each])
    const request = [
      'req',
      '-new',
      '-utf8',
      '-config',
      'ca.cnf',
      '-subj',
      `/CN=${name}`,
      ...NEW_KEY,
      ...added,
    ]
    await run('openssl', [...request, '-keyout', keyFile, '-out', `${stem}.csr`], { cwd })
    const dates = ['-startdate', from ?? '200101000000Z', '-enddate', to ?? '480101000000Z']
    const own = signer.includes('-selfsign') ? ['-keyfile', keyFile] : []
    const sign = ['ca', '-config', 'ca.cnf', '-batch', '-notext', '-utf8', ...signer, ...own, ...dates]
    await run('openssl', [...sign, '-in', `${stem}.csr`, '-out', certFile], { cwd })
    return { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8'), certFile, keyFile }
  }
}

import { open } from 'node:fs/promises'
import { type TlsMaterial, tlsContext } from '@uds-sidecar/shared/dial/dial-tls'
import { errnoOf, Failure } from '@uds-sidecar/shared/failure/failure'
import { visible } from '@uds-sidecar/shared/text/visible'

const MAX_PEM_BYTES = 1024 * 1024
const MAX_TOKEN_BYTES = 4096
const MIN_TOKEN_BYTES = 16

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The files of the options for TLS. */
export interface TlsFiles {
  readonly cacert?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/**
 * Reads certificates and key once.
 * @throws Failure `bad_config` that names the option, the file, and what is wrong with it
 */
export async function readTlsContext({ cacert, cert, key }: TlsFiles) {
  const material: TlsMaterial = {
    ca: cacert === undefined ? undefined : await readCertificates('--cacert', cacert),
    certificate: cert === undefined ? undefined : (await readCertificates('--cert', cert)).join('\n'),
    key: key === undefined ? undefined : await readKey(key),
  }
  try {
    return tlsContext(material)
  } catch (cause) {
    if (!(cause instanceof Failure) || cert === undefined || key === undefined) throw cause
    throw badFile('--key', key, `does not go with --cert ${visible(cert)}: ${cause.message}`, {
      hint: 'give the certificate and the key that were made together',
      cause,
    })
  }
}

async function readCertificates(option: string, file: string): Promise<string[]> {
  const blocks = (await readBounded(option, file, MAX_PEM_BYTES)).toString('latin1').match(CERTIFICATE) ?? []
  if (blocks.length === 0)
    throw badFile(option, file, 'has no certificate in PEM form', {
      hint: 'it needs "-----BEGIN CERTIFICATE-----"; openssl x509 -inform DER converts a DER file',
    })
  // A CA that OpenSSL cannot read would be left out in silence.
  for (const [i, block] of blocks.entries()) checkCertificate(option, file, block, i + 1)
  return blocks
}

function checkCertificate(option: string, file: string, block: string, number: number): void {
  const { X509Certificate } = process.getBuiltinModule('node:crypto')
  try {
    new X509Certificate(block)
  } catch (cause) {
    throw badFile(option, file, `certificate ${number} in it cannot be read`, {
      hint: 'copy the file again: it is damaged or cut',
      cause,
    })
  }
}

async function readKey(file: string): Promise<string> {
  const text = (await readBounded('--key', file, MAX_PEM_BYTES)).toString('latin1')
  const { createPrivateKey } = process.getBuiltinModule('node:crypto')
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text))
    throw badFile('--key', file, 'is encrypted with a passphrase', {
      hint: 'openssl pkey -in FILE -out NEW-FILE removes the passphrase',
    })
  try {
    createPrivateKey(text)
  } catch {
    // Without the cause: nothing of a key belongs into an error.
    throw badFile('--key', file, 'has no private key in PEM form', {
      hint: 'it needs "-----BEGIN PRIVATE KEY-----"',
    })
  }
  return text
}

/**
 * Reads a token by the rules of the sidecar's own files. The token is in no error.
 * @throws Failure `bad_config`
 */
export async function readToken(file: string): Promise<string> {
  const text = (await readBounded('--token-file', file, MAX_TOKEN_BYTES)).toString('latin1')
  const token = text.endsWith('\n') ? text.slice(0, -1) : text
  const wrong = mistakeIn(token)
  if (wrong === undefined) return token
  throw badFile('--token-file', file, wrong, {
    hint: `it holds one token of at least ${MIN_TOKEN_BYTES} bytes, and at most one line feed at its end`,
  })
}

function mistakeIn(token: string): string | undefined {
  if (token === '') return 'is empty'
  if (/[\r\n]/.test(token)) return 'has a line break inside (or ends with CR LF)'
  if (/[^\x21-\x7e]/.test(token)) return 'has a space, a control character or a letter outside of ASCII'
  return token.length < MIN_TOKEN_BYTES ? `has only ${token.length} bytes` : undefined
}

/** At most `max` bytes, whatever stands there: a pipe and a device have no size to ask for. */
async function readBounded(option: string, file: string, max: number): Promise<Buffer> {
  const buffer = Buffer.alloc(max + 1)
  let bytes = 0
  try {
    await using handle = await open(file)
    for (let read = 1; read > 0 && bytes < buffer.length; bytes += read)
      read = (await handle.read(buffer, bytes, buffer.length - bytes)).bytesRead
  } catch (cause) {
    const errno = errnoOf(cause)
    if (errno === undefined) throw cause
    throw badFile(option, file, 'cannot be read', { hint: READING[errno] ?? 'correct the path', cause })
  }
  if (bytes > max)
    throw badFile(option, file, `has more than ${max} bytes`, { hint: 'is it the right file?' })
  return buffer.subarray(0, bytes)
}

const READING: Readonly<Record<string, string>> = {
  ENOENT: 'correct the path, or mount the directory of the file',
  EACCES: 'run as a user who may read the file',
  EISDIR: 'name a file, and not its directory',
}

function badFile(
  option: string,
  file: string,
  what: string,
  { hint, cause }: { hint: string; cause?: unknown },
): Failure {
  return new Failure('bad_config', { message: `${option} ${visible(file)} ${what}`, hint, cause })
}

import type { KeyObject, X509Certificate } from 'node:crypto'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { readText, type TextFile } from '../config/read-text.ts'
import type { TlsSettings } from '../config/tls-schema.ts'
import { crypto, tls } from './node-tls.ts'

/** A certificate and the private key that belongs to it, read from their files and checked. */
export interface CertificatePair {
  /** PEM: the certificate, followed by its intermediates. */
  readonly cert: string
  /** PEM. */
  readonly key: string
  readonly subject: string
  /** The first moment at which a certificate of the chain has expired. */
  readonly expiresAt: Date
}

const HINTS = {
  missing: 'mount the directory of the file, readable by the user of this process, and name it absolutely',
  notRegular: 'name a PEM file; a symbolic link to one is fine',
  tooLarge: 'a certificate with its intermediates has a few KiB: name that file',
}
const CERTIFICATE: TextFile = { setting: 'tls.certificate', hints: HINTS }
const KEY: TextFile = { setting: 'tls.key', hints: HINTS }

/**
 * Reads both files and checks that they belong together.
 * @throws Failure `bad_config` that names the file and says what to do.
 */
export function readPair({ certificate, key }: TlsSettings): CertificatePair {
  const cert = readText(certificate, CERTIFICATE)
  const keyText = readText(key, KEY)
  const chain = chainOf(cert, certificate)
  const [leaf] = chain
  const privateKey = keyOf(keyText, key)
  if (leaf === undefined || !leaf.checkPrivateKey(privateKey))
    throw bad(
      `the private key in ${key} does not belong to the certificate in ${certificate}`,
      `replace both files together, and put the certificate of the server first in ${certificate}`,
    )
  refuseUnusable({ cert, key: keyText }, certificate)
  const expiresAt = new Date(Math.min(...chain.map(({ validToDate }) => validToDate.getTime())))
  return { cert, key: keyText, subject: subjectOf(leaf), expiresAt }
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function chainOf(text: string, path: string): X509Certificate[] {
  try {
    const chain = (text.match(BLOCK) ?? []).map((pem) => new crypto.X509Certificate(pem))
    if (chain.length > 0) return chain
  } catch (cause) {
    throw bad(`${path} has a certificate that cannot be read`, 'write it again, as PEM', cause)
  }
  throw bad(
    `${path} has no certificate`,
    'it may have PEM blocks that begin with -----BEGIN CERTIFICATE-----: the certificate of the server, then its intermediates',
  )
}

function keyOf(text: string, path: string): KeyObject {
  try {
    return crypto.createPrivateKey(text)
  } catch (cause) {
    throw bad(
      `${path} has no private key that can be read`,
      'it may have one PEM block -----BEGIN PRIVATE KEY-----, without a passphrase (openssl pkey -in KEY -out PLAIN)',
      cause,
    )
  }
}

/** OpenSSL refuses more than a wrong key, such as RSA keys that are too short. */
function refuseUnusable(pair: { cert: string; key: string }, path: string): void {
  try {
    tls.createSecureContext(pair)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : `${cause}`
    throw bad(`OpenSSL refuses the certificate in ${path}: ${reason}`, 'issue another certificate', cause)
  }
}

function subjectOf({ subjectAltName, subject }: X509Certificate): string {
  return (subjectAltName ?? subject ?? '').replaceAll('\n', ', ').slice(0, 256)
}

function bad(message: string, hint: string, cause?: unknown): Failure {
  return new Failure('bad_config', { message, hint, cause })
}

import type { SecureContext } from 'node:tls'
import { tlsContext } from '@uds-sidecar/shared/dial/dial-tls'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { readText, type TextFile } from '../config/read-text.ts'
import type { UpstreamTlsSettings } from '../config/way-out-schema.ts'
import { type CertificatePair, readPair } from '../tls/certificate-pair.ts'
import { crypto, tls } from '../tls/node-tls.ts'

/** What connections to an upstream trust and present, read from files and checked. */
export interface UpstreamMaterial {
  readonly context: SecureContext
  /** PEM; null: the CAs of the system. */
  readonly ca: string | null
  /** The sidecar's own certificate; null: it presents none. */
  readonly pair: CertificatePair | null
}

/** Whether both were read from the same content. */
export function isSameMaterial(one: UpstreamMaterial, other: UpstreamMaterial): boolean {
  return one.ca === other.ca && one.pair?.cert === other.pair?.cert && one.pair?.key === other.pair?.key
}

/**
 * Reads the files of `upstreamTls`.
 * @param former what is in use: an own certificate that has expired does not replace one that has not.
 * @throws Failure `bad_config` that names the file and says what to do.
 */
export function readMaterial(
  { ca: caPath, certificate, key, minVersion }: UpstreamTlsSettings,
  former: UpstreamMaterial | undefined,
): UpstreamMaterial {
  const ca = caPath === undefined ? null : readCas(caPath)
  const pair =
    certificate === undefined || key === undefined ? null : readPair({ certificate, key }, 'upstreamTls')
  const wasValid = former !== undefined && former.pair !== null && !isExpired(former.pair)
  if (certificate !== undefined && pair !== null && isExpired(pair) && wasValid)
    throw bad(
      `the certificate in ${certificate} expired at ${pair.expiresAt.toISOString()}`,
      'issue another certificate, and check the clock of this machine',
    )
  const context = tlsContext({ ca: ca ?? systemCas(), certificate: pair?.cert, key: pair?.key, minVersion })
  return { context, ca, pair }
}

export function isExpired({ expiresAt }: CertificatePair): boolean {
  return expiresAt.getTime() <= Date.now()
}

/**
 * The CAs of the system (on Debian /etc/ssl/certs, or what SSL_CERT_FILE and SSL_CERT_DIR name), and those of
 * NODE_EXTRA_CA_CERTS. Node's own list is used only where the system has none, as in an image without ca-certificates:
 * an administrator can take a CA out of the system's list, and not out of Node's. Node reads them once per process.
 */
function systemCas(): string[] {
  const ofSystem = tls.getCACertificates('system')
  const trusted = ofSystem.length > 0 ? ofSystem : tls.getCACertificates('bundled')
  return [...new Set([...trusted, ...tls.getCACertificates('extra')])]
}

const CA: TextFile = {
  setting: 'upstreamTls.ca',
  hints: {
    missing: 'mount the directory of the file, readable by the user of this process, and name it absolutely',
    notRegular: 'name a PEM file; a symbolic link to one is fine',
    tooLarge: 'name a file with only the CAs of this upstream',
  },
}
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** OpenSSL takes text without a certificate in silence, and then trusts nobody. */
function readCas(path: string): string {
  const text = readText(path, CA)
  const blocks = text.match(BLOCK) ?? []
  if (blocks.length === 0)
    throw bad(
      `${path} has no certificate`,
      'it may have PEM blocks that begin with -----BEGIN CERTIFICATE-----',
    )
  for (const block of blocks)
    try {
      new crypto.X509Certificate(block)
    } catch (cause) {
      throw bad(`${path} has a certificate that cannot be read`, 'write it again, as PEM', cause)
    }
  return blocks.join('\n')
}

function bad(message: string, hint: string, cause?: unknown): Failure {
  return new Failure('bad_config', { message, hint, cause })
}

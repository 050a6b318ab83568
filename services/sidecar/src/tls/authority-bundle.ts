import type { KeyObject, X509Certificate } from 'node:crypto'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { readText, type TextFile } from '../config/read-text.ts'
import { crypto } from './node-tls.ts'

/** The CAs of a PEM file, checked. */
export interface AuthorityBundle {
  /** One certificate each. */
  readonly pems: readonly string[]
  /** The self-signed ones, by the SHA-256 of their DER. A chain ends at one of them. */
  readonly anchors: ReadonlyMap<string, Authority>
  /** The others. */
  readonly intermediates: readonly Authority[]
  /** The first moment at which one of them has expired. */
  readonly expiresAt: Date
}

interface Authority {
  readonly certificate: X509Certificate
  readonly publicKey: KeyObject
}

/** A chain whose signatures were verified. */
export interface Chain {
  /** Its key in `anchors`. */
  readonly anchor: string
  /** When all of its certificates are valid: milliseconds since the epoch, `to` not included. */
  readonly from: number
  readonly to: number
}

/** Each handshake sends the names of all CAs to the client. */
const MAX_AUTHORITIES = 100
/** Certificates of a chain. Real ones have 2 to 4. */
export const MAX_CHAIN = 10

const FILE: TextFile = {
  setting: 'tls.clientCa',
  hints: {
    missing: 'mount the directory of the file, readable by the user of this process, and name it absolutely',
    notRegular: 'name a PEM file; a symbolic link to one is fine',
    tooLarge: `a file with ${MAX_AUTHORITIES} CAs has about 200 KiB: name that of your own CA`,
  },
}

/**
 * Reads the file. Node takes a bad `ca` in silence, and then nobody gets in: so everything is checked here.
 * @throws Failure `bad_config` that names the file and says what to do.
 */
export function readBundle(path: string): AuthorityBundle {
  const all = certificatesIn(readText(path, FILE), path).map((certificate) => authorityOf(certificate, path))
  const anchors = all.filter((each) => isIssuedBy(each.certificate, each)).sort(latestFirst)
  const intermediates = all.filter((each) => !anchors.includes(each)).sort(latestFirst)
  for (const { certificate } of intermediates)
    if (!all.some((issuer) => isIssuedBy(certificate, issuer)))
      throw bad(
        `${path} has the intermediate CA ${nameOf(certificate)} without the CA that issued it`,
        'add the CAs up to the self-signed root: a chain is verified to its root',
      )
  return {
    pems: all.map(({ certificate }) => certificate.toString()),
    anchors: new Map(anchors.map((each) => [each.certificate.fingerprint256, each])),
    intermediates,
    expiresAt: new Date(Math.min(...all.map(({ certificate }) => certificate.validToDate.getTime()))),
  }
}

/** Whether all roots have expired. */
export function hasExpired({ anchors }: AuthorityBundle): boolean {
  return [...anchors.values()].every(({ certificate }) => certificate.validToDate.getTime() <= Date.now())
}

/**
 * Finds the CA by which OpenSSL could verify the first certificate of `sent`. Node does not tell which one it was, and a
 * client need not send it. Intermediates are those of the bundle, and the others of `sent`, which Node chooses by name
 * alone: so each signature is verified.
 * @returns null when no chain of certificates that are valid now ends at a root of the bundle.
 */
export function chainTo(
  { anchors, intermediates }: AuthorityBundle,
  sent: readonly X509Certificate[],
): Chain | null {
  const [leaf] = sent
  if (leaf === undefined) return null
  const chain = [leaf]
  for (let last = leaf; chain.length <= MAX_CHAIN; chain.push(last)) {
    const root = anchors.get(last.fingerprint256) ?? issuerAmong(anchors.values(), last)
    if (root !== undefined)
      return { anchor: root.certificate.fingerprint256, ...datesOf([...chain, root.certificate]) }
    const next = issuerAmong(intermediates, last)?.certificate ?? issuerOf(last, sent)
    if (next === undefined) return null
    last = next
  }
  return null
}

function issuerAmong(authorities: Iterable<Authority>, certificate: X509Certificate): Authority | undefined {
  for (const each of authorities) if (isCurrent(each) && isIssuedBy(certificate, each)) return each
  return undefined
}

function issuerOf(
  certificate: X509Certificate,
  sent: readonly X509Certificate[],
): X509Certificate | undefined {
  return sent.find((each) => isIssuedBy(certificate, { certificate: each, publicKey: each.publicKey }))
}

function isIssuedBy(certificate: X509Certificate, issuer: Authority): boolean {
  return certificate.checkIssued(issuer.certificate) && certificate.verify(issuer.publicKey)
}

function isCurrent({ certificate }: Authority): boolean {
  const { from, to } = datesOf([certificate])
  const now = Date.now()
  return from <= now && now < to
}

function datesOf(chain: readonly X509Certificate[]): { from: number; to: number } {
  return {
    from: Math.max(...chain.map(({ validFromDate }) => validFromDate.getTime())),
    to: Math.min(...chain.map(({ validToDate }) => validToDate.getTime())),
  }
}

/** Of a CA that was renewed with its old key, the new certificate counts. */
function latestFirst(one: Authority, other: Authority): number {
  return other.certificate.validToDate.getTime() - one.certificate.validToDate.getTime()
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Text between the blocks, such as that of `openssl x509 -text`, is allowed, but nothing that may be half a block. */
function certificatesIn(text: string, path: string): X509Certificate[] {
  const rest = text.replaceAll(BLOCK, '')
  const [, other] = /-----BEGIN ([^-]{1,64})-----/.exec(rest) ?? []
  if (other !== undefined && other !== 'CERTIFICATE')
    throw bad(
      `${path} has a PEM block of the kind ${other}`,
      'it may have only blocks that begin with -----BEGIN CERTIFICATE-----; the key of a CA does not belong on this machine',
    )
  if (rest.includes('-----'))
    throw bad(`${path} has a certificate that is cut or damaged`, 'write the whole file again, as PEM')
  const blocks = text.match(BLOCK) ?? []
  if (blocks.length === 0)
    throw bad(
      `${path} has no certificate`,
      'it may have PEM blocks that begin with -----BEGIN CERTIFICATE-----',
    )
  if (blocks.length > MAX_AUTHORITIES)
    throw bad(
      `${path} has ${blocks.length} certificates; at most ${MAX_AUTHORITIES} are allowed`,
      'name the file of your own CA: everybody with a certificate of one of these CAs gets in',
    )
  return blocks.map((pem, index) => certificateOf(pem, `certificate ${index + 1} of ${path}`))
}

function certificateOf(pem: string, which: string): X509Certificate {
  try {
    return new crypto.X509Certificate(pem)
  } catch (cause) {
    throw bad(`${which} cannot be read`, 'write it again, as PEM', cause)
  }
}

function authorityOf(certificate: X509Certificate, path: string): Authority {
  if (!certificate.ca)
    throw bad(
      `${path} has ${nameOf(certificate)}, which is no CA (basicConstraints CA:TRUE, and no keyUsage without keyCertSign)`,
      'name the CA that issued the certificates of the clients',
    )
  try {
    return { certificate, publicKey: certificate.publicKey }
  } catch (cause) {
    throw bad(
      `${path} has ${nameOf(certificate)}, whose public key cannot be used`,
      'issue another CA',
      cause,
    )
  }
}

function nameOf({ subject }: X509Certificate): string {
  return JSON.stringify((subject ?? '').replaceAll('\n', ', ').slice(0, 256))
}

function bad(message: string, hint: string, cause?: unknown): Failure {
  return new Failure('bad_config', { message, hint, cause })
}

import { DerReader, NotDer } from './der.ts'

/** The names that a certificate has for its owner: its subjectAltName extension (RFC 5280 section 4.2.1.6). */
export interface CertificateNames {
  readonly uris: readonly string[]
  readonly dns: readonly string[]
  readonly mails: readonly string[]
}

/** Certificates of public CAs have at most 100 names. */
const MAX_NAMES = 1_000

const TAG = { boolean: 0x01, octets: 0x04, oid: 0x06, integer: 0x02, sequence: 0x30, bits: 0x03 }
/** Fields of a TBSCertificate that may be missing: version, the unique identifiers, extensions. */
const VERSION = 0xa0
const UNIQUE_IDS = [0x81, 0x82]
const EXTENSIONS = 0xa3
const SUBJECT_ALT_NAME = '551d11' // OID 2.5.29.17
const TRUE = 0xff

/** What a GeneralName may be. */
const NAME = { mail: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 }
/** otherName, x400Address, directoryName, ediPartyName, registeredID: they prove nothing here. */
const OTHER_NAMES = [0xa0, 0xa3, 0xa4, 0xa5, 0x88]

/**
 * Reads the names of a certificate from its DER, and never from the text that Node joins them to: there, one name can
 * look like several (CVE-2021-44532).
 * @returns null when the certificate is not strict DER or has a name that cannot be one: then it proves nothing. A
 * certificate without the extension has no names.
 */
export function certificateNames(der: Uint8Array): CertificateNames | null {
  try {
    const extension = subjectAltNameOf(der)
    return extension === null ? { uris: [], dns: [], mails: [] } : namesIn(extension)
  } catch (error) {
    if (error instanceof NotDer) return null
    throw error
  }
}

/** The value of the extension; null when there is none. */
function subjectAltNameOf(der: Uint8Array): Uint8Array | null {
  const whole = new DerReader(der)
  const certificate = new DerReader(whole.expect(TAG.sequence))
  whole.expectEnd()
  const fields = new DerReader(certificate.expect(TAG.sequence))
  certificate.expect(TAG.sequence) // the algorithm of the signature
  certificate.expect(TAG.bits) // the signature
  certificate.expectEnd()
  if (fields.peek() === VERSION) fields.next()
  fields.expect(TAG.integer) // the serial number
  for (const _ of ['signature', 'issuer', 'validity', 'subject', 'public key']) fields.expect(TAG.sequence)
  for (const tag of UNIQUE_IDS) if (fields.peek() === tag) fields.next()
  if (fields.isAtEnd) return null
  const tagged = new DerReader(fields.expect(EXTENSIONS))
  fields.expectEnd()
  const extensions = new DerReader(tagged.expect(TAG.sequence))
  tagged.expectEnd()
  return extensionValue(SUBJECT_ALT_NAME, extensions)
}

function extensionValue(wanted: string, extensions: DerReader): Uint8Array | null {
  let found: Uint8Array | null = null
  while (!extensions.isAtEnd) {
    const extension = new DerReader(extensions.expect(TAG.sequence))
    const oid = Buffer.from(extension.expect(TAG.oid)).toString('hex')
    if (extension.peek() === TAG.boolean) expectTrue(extension.next().content) // critical; false is left out in DER
    const value = extension.expect(TAG.octets)
    extension.expectEnd()
    if (oid !== wanted) continue
    if (found !== null) throw new NotDer('the extension is there twice')
    found = value
  }
  return found
}

function expectTrue(content: Uint8Array): void {
  if (content.length !== 1 || content[0] !== TRUE) throw new NotDer('not the DER of true')
}

function namesIn(extension: Uint8Array): CertificateNames {
  const outer = new DerReader(extension)
  const names = new DerReader(outer.expect(TAG.sequence))
  outer.expectEnd()
  const uris: string[] = []
  const dns: string[] = []
  const mails: string[] = []
  for (let count = 0; !names.isAtEnd; count++) {
    if (count === MAX_NAMES) throw new NotDer('too many names')
    const { tag, content } = names.next()
    if (tag === NAME.uri) uris.push(textOf(content))
    else if (tag === NAME.dns) dns.push(textOf(content))
    else if (tag === NAME.mail) mails.push(textOf(content))
    else if (tag !== NAME.ip && !OTHER_NAMES.includes(tag)) throw new NotDer(`a name with the tag ${tag}`)
  }
  return { uris, dns, mails }
}

/** An IA5String without control characters and spaces, which no URI, host name or mail address has. */
function textOf(content: Uint8Array): string {
  if (content.length === 0 || content.some((byte) => byte < 0x21 || byte > 0x7e))
    throw new NotDer('a name with a byte that it cannot have')
  return Buffer.from(content).toString('latin1')
}

/** Which certificates prove a client: those that have a name that fits. */
export type CertificatePattern =
  /** `isPrefix`: the URI continues below `uri`, which ends with a slash. */
  | { readonly kind: 'uri'; readonly uri: string; readonly isPrefix: boolean }
  /** `host` is in lower case. `isBelow`: one more label stands before it. */
  | { readonly kind: 'dns'; readonly host: string; readonly isBelow: boolean }
  | { readonly kind: 'mail'; readonly local: string; readonly host: string }

/** What a mistake says about a text that is no pattern. */
export const CERTIFICATE_PATTERN =
  'may be a name of certificates: a URI such as spiffe://example.org/ns/monitoring/*, where a * may stand only at the end and after a / of the path; a host name such as a.example.org or *.example.org, where a leading *. stands for one label (no IP address); or a mail address such as ann@example.org, without *'

/** As long as a SPIFFE ID may be. */
const MAX_PATTERN = 2_048
const ASCII = /^[!-~]*$/
const URI = /^[a-z][a-z0-9+.-]*:\/\/[!-)+-~]+$/i
/** A segment that all readers read alike: no percent-encoding, no backslash, no wildcard. */
const SEGMENT = /^(?!\.{1,2}$)[a-z0-9._~!$&'()+,;=:@-]+$/i
const WILDCARD_URI = /^([a-z][a-z0-9+.-]*:\/\/[a-z0-9._~!$&'()+,;=:@[\]-]+\/(.+\/)?)\*$/i
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i
const LOCAL_PART = /^[a-z0-9!#$%&'+/=?^_`{|}~.-]{1,64}$/i

/**
 * Reads a pattern: with `://` it is for URIs, with `@` for mail addresses, else for host names.
 * @returns undefined when it is none; {@link CERTIFICATE_PATTERN} says what it may be.
 */
export function parseCertificatePattern(text: string): CertificatePattern | undefined {
  if (text.length > MAX_PATTERN || !ASCII.test(text)) return undefined
  if (text.includes('://')) return parseUri(text)
  return text.includes('@') ? parseMail(text) : parseDns(text)
}

function parseUri(text: string): CertificatePattern | undefined {
  if (URI.test(text)) return { kind: 'uri', uri: text, isPrefix: false }
  const [, uri, path = ''] = WILDCARD_URI.exec(text) ?? []
  const isPlain = path === '' || areSegments(path.slice(0, -1))
  return uri !== undefined && isPlain ? { kind: 'uri', uri, isPrefix: true } : undefined
}

function areSegments(path: string): boolean {
  return path.split('/').every((segment) => SEGMENT.test(segment))
}

function parseDns(text: string): CertificatePattern | undefined {
  const isBelow = text.startsWith('*.')
  const host = (isBelow ? text.slice(2) : text).toLowerCase()
  return isHost(host) ? { kind: 'dns', host, isBelow } : undefined
}

function parseMail(text: string): CertificatePattern | undefined {
  const [local = '', domain = '', ...rest] = text.split('@')
  const host = domain.toLowerCase()
  return LOCAL_PART.test(local) && isHost(host) && rest.length === 0
    ? { kind: 'mail', local, host }
    : undefined
}

/** A host name whose last label is a number is read as an IP address (WHATWG URL, section 3.5). */
function isHost(text: string): boolean {
  const labels = text.split('.')
  const isNumber = /^(\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')
  return text.length <= 253 && labels.every((label) => LABEL.test(label)) && !isNumber
}

/** Whether a name of the certificate fits. A name with a wildcard of its own is the name of nobody and never does. */
export function matchesCertificate(pattern: CertificatePattern, names: CertificateNames): boolean {
  switch (pattern.kind) {
    case 'uri':
      return matchesUri(pattern, names.uris)
    case 'dns':
      return names.dns.some((name) => matchesDns(pattern, name.toLowerCase()))
    case 'mail':
      return names.mails.some((name) => matchesMail(pattern, name))
  }
}

/** A certificate with several URIs has no identity by URI (SPIFFE X509-SVID section 2). */
function matchesUri(
  { uri, isPrefix }: { uri: string; isPrefix: boolean },
  names: readonly string[],
): boolean {
  const [name, ...rest] = names
  if (name === undefined || rest.length > 0) return false
  return isPrefix ? name.startsWith(uri) && areSegments(name.slice(uri.length)) : name === uri
}

function matchesDns({ host, isBelow }: { host: string; isBelow: boolean }, name: string): boolean {
  if (!isBelow) return name === host
  const dot = name.indexOf('.')
  return name.slice(dot + 1) === host && LABEL.test(name.slice(0, Math.max(0, dot)))
}

function matchesMail({ local, host }: { local: string; host: string }, name: string): boolean {
  const at = name.lastIndexOf('@')
  return at > 0 && name.slice(0, at) === local && name.slice(at + 1).toLowerCase() === host
}

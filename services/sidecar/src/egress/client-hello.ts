/**
 * Reads the first flight of a TLS client, RFC 8446 and RFC 5246, as far as needed to know which server name it asks for
 * (SNI, RFC 6066 section 3). Strict: what a server could read in another way is a fault.
 */

/** What is wrong with a first flight. */
export type HelloFault =
  /** The first bytes are not a handshake of TLS. */
  | 'not_tls'
  /** Its lengths do not fit together, an extension is there twice, or it has another number of names than one. */
  | 'hello_malformed'
  /** It is larger than any ClientHello needs to be. */
  | 'hello_too_large'
  /** It asks for no name. */
  | 'sni_missing'
  /** It hides the name that counts (Encrypted Client Hello, RFC 9849). */
  | 'encrypted_client_hello'

export type HelloResult =
  | { readonly kind: 'more' }
  | { readonly kind: 'hello' /** In lower case; null: none. */; readonly serverName: string | null }
  | { readonly kind: 'fault'; readonly fault: HelloFault }

/** The most bytes of a first flight, headers included: those of one record. */
export const MAX_HELLO_BYTES = 16_384

const HANDSHAKE = 22
const CLIENT_HELLO = 1
const RECORD_HEADER = 5
const MESSAGE_HEADER = 4
const RANDOM = 32
const MAX_SESSION_ID = 32

const EXTENSION = { serverName: 0, encryptedClientHello: 0xfe0d, encryptedServerName: 0xffce } as const

const MORE: HelloResult = { kind: 'more' }

function fault(what: HelloFault): HelloResult {
  return { kind: 'fault', fault: what }
}

/**
 * Puts the ClientHello together, whatever the boundaries of segments and records are: a record may have any part of it.
 * Each byte is read once.
 */
export class ClientHelloReader {
  /** The message so far, without record headers. It grows: most are whole in their first segment, with 300 to 1,600 bytes. */
  #message: Buffer = Buffer.alloc(0)
  readonly #header = Buffer.alloc(RECORD_HEADER)
  #messageLength = 0
  #headerLength = 0
  /** Bytes of the current record that have not come yet. */
  #inRecord = 0
  #total = 0

  /** Takes the next bytes. What comes after the record that ends the ClientHello is not read. */
  take(bytes: Uint8Array): HelloResult {
    let at = 0
    while (at < bytes.length) {
      if (this.#inRecord === 0) {
        this.#header[this.#headerLength++] = bytes[at++] ?? 0
        this.#total += 1
        if (!this.#isHeader()) return fault('not_tls')
        if (this.#headerLength === RECORD_HEADER) this.#startRecord()
      } else {
        const part = bytes.subarray(at, at + this.#inRecord)
        at += part.length
        this.#total += part.length
        if (this.#messageLength + part.length > MAX_HELLO_BYTES) return fault('hello_too_large')
        this.#append(part)
        this.#inRecord -= part.length
        const result = this.#look()
        if (result !== MORE) return result
      }
      if (this.#total > MAX_HELLO_BYTES) return fault('hello_too_large')
    }
    return MORE
  }

  #append(part: Uint8Array): void {
    const length = this.#messageLength + part.length
    if (length > this.#message.length) {
      const larger = Buffer.allocUnsafe(Math.min(2 * length, MAX_HELLO_BYTES))
      this.#message.copy(larger, 0, 0, this.#messageLength)
      this.#message = larger
    }
    this.#message.set(part, this.#messageLength)
    this.#messageLength = length
  }

  /** Whether the record header so far can be one: a handshake, SSL 3.0 to TLS 1.2 in its legacy version, 1 to 2^14 bytes. */
  #isHeader(): boolean {
    const [type, major, minor = 0] = this.#header
    const length = this.#header.readUInt16BE(3)
    return (
      type === HANDSHAKE &&
      (this.#headerLength < 2 || major === 3) &&
      (this.#headerLength < 3 || minor <= 3) &&
      (this.#headerLength < RECORD_HEADER || (length > 0 && length <= 16_384))
    )
  }

  #startRecord(): void {
    this.#inRecord = this.#header.readUInt16BE(3)
    this.#headerLength = 0
    this.#header.fill(0)
  }

  /** Looks at the message when it is whole. */
  #look(): HelloResult {
    if (this.#message[0] !== CLIENT_HELLO) return fault('not_tls')
    if (this.#messageLength < MESSAGE_HEADER) return MORE
    const length = this.#message.readUIntBE(1, 3) + MESSAGE_HEADER
    if (length > MAX_HELLO_BYTES) return fault('hello_too_large')
    if (this.#messageLength < length) return MORE
    // Nothing may follow the ClientHello in its record: the server has to respond first.
    if (this.#messageLength > length || this.#inRecord > 0) return fault('hello_malformed')
    return parseClientHello(this.#message.subarray(MESSAGE_HEADER, length))
  }
}

/** Reads vectors with a length before them; a length that does not fit makes `isBroken` true and all further reads empty. */
class Reader {
  readonly #bytes: Buffer
  #at = 0
  isBroken = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  take(length: number): Buffer {
    const part = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += part.length
    if (part.length < length) this.isBroken = true
    return part
  }

  number(bytes: 1 | 2): number {
    const part = this.take(bytes)
    return part.length < bytes ? 0 : part.readUIntBE(0, bytes)
  }

  vector(lengthBytes: 1 | 2): Buffer {
    return this.take(this.number(lengthBytes))
  }
}

/** @param body of the ClientHello message, without its header */
function parseClientHello(body: Buffer): HelloResult {
  const reader = new Reader(body)
  const major = reader.number(1)
  reader.take(1 + RANDOM)
  const sessionId = reader.vector(1)
  const suites = reader.vector(2)
  const compressions = reader.vector(1)
  const isHello =
    !reader.isBroken &&
    major === 3 &&
    sessionId.length <= MAX_SESSION_ID &&
    suites.length >= 2 &&
    suites.length % 2 === 0 &&
    compressions.length >= 1
  if (!isHello) return fault('hello_malformed')
  if (reader.isAtEnd) return { kind: 'hello', serverName: null } // without extensions, as RFC 5246 allows
  const extensions = reader.vector(2)
  if (reader.isBroken || !reader.isAtEnd) return fault('hello_malformed')
  return parseExtensions(new Reader(extensions))
}

function parseExtensions(reader: Reader): HelloResult {
  const seen = new Set<number>()
  let serverName: string | null = null
  while (!reader.isAtEnd) {
    const type = reader.number(2)
    const data = reader.vector(2)
    if (reader.isBroken || seen.has(type)) return fault('hello_malformed')
    seen.add(type)
    if (type !== EXTENSION.serverName) continue
    serverName = parseServerName(new Reader(data))
    if (serverName === null) return fault('hello_malformed')
  }
  const isHidden = seen.has(EXTENSION.encryptedClientHello) || seen.has(EXTENSION.encryptedServerName)
  return isHidden ? fault('encrypted_client_hello') : { kind: 'hello', serverName }
}

const HOST_NAME = 0

/** @returns the only host name of the list, in lower case; null when the list is not exactly one. */
function parseServerName(reader: Reader): string | null {
  const list = new Reader(reader.vector(2))
  if (reader.isBroken || !reader.isAtEnd) return null
  const type = list.number(1)
  const name = list.vector(2)
  if (list.isBroken || !list.isAtEnd || type !== HOST_NAME || name.length === 0) return null
  return name.toString('latin1').toLowerCase()
}

/** Why a tunnel to `host` is cut; null when it goes on. */
export type SniRefusal = HelloFault | 'sni_other'

/**
 * @param host the name that CONNECT asks for; null for an address, which no SNI can have (RFC 6066 section 3): then none
 * may be there
 */
export function sniRefusal(
  host: string | null,
  result: Exclude<HelloResult, { kind: 'more' }>,
): SniRefusal | null {
  if (result.kind === 'fault') return result.fault
  const { serverName } = result
  if (serverName === host) return null
  return serverName === null ? 'sni_missing' : 'sni_other'
}

import {
  ASTERISK,
  AUTHORITY,
  BRACKET_END,
  COLON,
  CR,
  LF,
  PATH,
  QUERY,
  QUESTION,
  SLASH,
  SPACE,
  TOKEN,
  ZERO,
} from './bytes.ts'
import { INCOMPLETE } from './fields.ts'
import { isHostAndPort } from './host.ts'
import { malformed, type RequestHead, UPGRADE } from './request-head.ts'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT'] as const
/** Methods of RFC 9110 and PATCH. */
export const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)

const CODES = METHODS.map((name) => ({ name, bytes: Buffer.from(name) }))

/** The method; no new string is made for a known one. Methods are case-sensitive (RFC 9110 section 9.1). */
export function methodName(bytes: Buffer, from: number, to: number): string {
  for (let i = 0; i < CODES.length; i++) {
    const code = CODES[i] as (typeof CODES)[number]
    if (isEqual(bytes, from, to, code.bytes)) return code.name
  }
  return bytes.toString('latin1', from, to)
}

/** Whether sending the request twice has the effect of sending it once (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return method !== 'POST' && method !== 'PATCH' && KNOWN_METHODS.has(method)
}

function isEqual(bytes: Buffer, from: number, to: number, expected: Buffer): boolean {
  if (to - from !== expected.length) return false
  for (let i = 0; i < expected.length; i++) if (bytes[from + i] !== expected[i]) return false
  return true
}

const MAX_METHOD_BYTES = 24

const METHOD = malformed('its method is not a token')
const TARGET = malformed('its target has a character that may not stand there')
const FORM = malformed('its target is neither a path nor an http:// URL')
const NO_PORT = malformed('its target is not a host and a port')
const VERSION = malformed('its version is not HTTP/1.1 or HTTP/1.0')

/**
 * Reads `METHOD SP target SP HTTP/1.x CRLF` (RFC 9112 section 3) with single spaces into `head`.
 * @returns the position after the line, `INCOMPLETE`, or `REFUSED` with `head.refusal` set.
 */
export function parseRequestLine(
  head: RequestHead,
  bytes: Buffer,
  start: number,
  end: number,
  takesConnect = false,
  takesHttps = false,
): number {
  let at = start
  while (at < end && TOKEN[bytes[at] as number] === 1) at++
  if (at === end) return at - start > MAX_METHOD_BYTES ? head.refuse(METHOD) : INCOMPLETE
  if (bytes[at] !== SPACE || at === start || at - start > MAX_METHOD_BYTES) return head.refuse(METHOD)
  head.method = methodName(bytes, start, at)
  const isConnect = head.method === 'CONNECT'
  if (isConnect && !takesConnect) return head.refuse(UPGRADE)
  at = isConnect
    ? parseAuthority(head, bytes, at + 1, end)
    : parseTarget(head, bytes, at + 1, end, takesHttps)
  return at < 0 ? at : parseVersion(head, bytes, at, end)
}

function parseTarget(
  head: RequestHead,
  bytes: Buffer,
  start: number,
  end: number,
  takesHttps: boolean,
): number {
  if (start === end) return INCOMPLETE
  head.authorityStart = 0
  head.authorityEnd = 0
  head.impliedPath = ''
  if (bytes[start] === SLASH) return parsePath(head, bytes, start, end)
  if (bytes[start] === ASTERISK && head.method === 'OPTIONS') return parseAsterisk(head, bytes, start, end)
  return parseAbsolute(head, bytes, start, end, takesHttps)
}

function parsePath(head: RequestHead, bytes: Buffer, start: number, end: number): number {
  let at = start
  head.targetStart = start
  while (at < end && PATH[bytes[at] as number] === 1) at++
  head.pathEnd = at
  if (bytes[at] === QUESTION && at < end) while (at < end && QUERY[bytes[at] as number] === 1) at++
  head.targetEnd = at
  if (at === end) return INCOMPLETE
  return bytes[at] === SPACE ? at + 1 : head.refuse(TARGET)
}

function parseAsterisk(head: RequestHead, bytes: Buffer, start: number, end: number): number {
  head.targetStart = start
  head.pathEnd = start + 1
  head.targetEnd = start + 1
  if (start + 1 === end) return INCOMPLETE
  return bytes[start + 1] === SPACE ? start + 2 : head.refuse(FORM)
}

const HTTP = Buffer.from('http://')
const HTTPS = Buffer.from('https://')
const LETTERS = 4

/** A server must accept it (RFC 9112 section 3.2.2), `https` only where the client came over TLS (RFC 9110 section 7.4). */
function parseAbsolute(
  head: RequestHead,
  bytes: Buffer,
  start: number,
  end: number,
  takesHttps: boolean,
): number {
  const isHttps = takesHttps && ((bytes[start + LETTERS] as number) | 0x20) === HTTPS[LETTERS]
  const scheme = isHttps && start + LETTERS < end ? HTTPS : HTTP
  const letters = scheme.length - '://'.length
  for (let i = 0; i < scheme.length; i++) {
    if (start + i === end) return INCOMPLETE
    if (((bytes[start + i] as number) | (i < letters ? 0x20 : 0)) !== scheme[i]) return head.refuse(FORM)
  }
  let at = start + scheme.length
  head.authorityStart = at
  while (at < end && AUTHORITY[bytes[at] as number] === 1) at++
  head.authorityEnd = at
  if (at === end) return INCOMPLETE
  if (!isHostAndPort(bytes, head.authorityStart, at)) return head.refuse(FORM)
  if (bytes[at] === SLASH) return parsePath(head, bytes, at, end)
  return bytes[at] === SPACE || bytes[at] === QUESTION
    ? parseWithoutPath(head, bytes, at, end)
    : head.refuse(FORM)
}

/** `http://host` stands for the path `/`, and with OPTIONS for the server itself (RFC 9112 section 3.2.4). */
function parseWithoutPath(head: RequestHead, bytes: Buffer, start: number, end: number): number {
  head.impliedPath = head.method === 'OPTIONS' && bytes[start] === SPACE ? '*' : '/'
  return parsePath(head, bytes, start, end)
}

/** The authority form, `host:port`, which CONNECT alone has (RFC 9112 section 3.2.3). There is no default port. */
function parseAuthority(head: RequestHead, bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && AUTHORITY[bytes[at] as number] === 1) at++
  head.authorityStart = start
  head.authorityEnd = at
  head.impliedPath = ''
  head.targetStart = start
  head.pathEnd = at
  head.targetEnd = at
  if (at === end) return INCOMPLETE
  if (bytes[at] !== SPACE || !isHostAndPort(bytes, start, at)) return head.refuse(NO_PORT)
  const colon = bytes.lastIndexOf(COLON, at - 1)
  const hasPort = colon > start && colon < at - 1 && bytes[at - 1] !== BRACKET_END
  return hasPort ? at + 1 : head.refuse(NO_PORT)
}

const VERSION_TEXT = Buffer.from('HTTP/1.')

function parseVersion(head: RequestHead, bytes: Buffer, start: number, end: number): number {
  if (end - start < 10) return isStartOfVersion(bytes, start, end) ? INCOMPLETE : head.refuse(VERSION)
  const minor = (bytes[start + 7] as number) - ZERO
  const isVersion = isStartOfVersion(bytes, start, start + 7) && (minor === 1 || minor === 0)
  if (!isVersion || bytes[start + 8] !== CR || bytes[start + 9] !== LF) return head.refuse(VERSION)
  head.minor = minor
  return start + 10
}

function isStartOfVersion(bytes: Buffer, start: number, end: number): boolean {
  const to = Math.min(end - start, VERSION_TEXT.length)
  for (let i = 0; i < to; i++) if (bytes[start + i] !== VERSION_TEXT[i]) return false
  return true
}

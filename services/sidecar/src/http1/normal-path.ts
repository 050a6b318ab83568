import {
  BACKSLASH,
  DELETE,
  DOT,
  HASH,
  HEX,
  IS_UNRESERVED,
  PATH,
  PERCENT,
  QUESTION,
  RAW_IN_PATH,
  SEMICOLON,
  SLASH,
} from './bytes.ts'

/** Bits of what `examinePath` finds. 0: the path is in its normal form. */
export const IS_CHANGED = 1
export const HAS_ENCODED_SLASH = 2

/** What makes a path mean two things. Each completes "the path … ", and is the reason of a 400. */
export const PATH_FAULT: Readonly<Record<number, string>> = {
  [-1]: 'has a dot segment (. or .., also encoded or with a parameter)',
  [-2]: 'has a % without two hexadecimal digits',
  [-3]: 'has an encoded backslash or control character',
  [-4]: 'has an encoding of a character that is longer than UTF-8 allows',
}
const DOT_SEGMENT = -1
const BAD_ESCAPE = -2
const FORBIDDEN_ESCAPE = -3
const OVERLONG = -4

/** Bytes that are the same in every form of a path, and begin nothing. */
const PLAIN = PATH.map((isAllowed, byte) =>
  isAllowed === 1 && byte !== SLASH && byte !== PERCENT && RAW_IN_PATH[byte] === 0 ? 1 : 0,
)

/**
 * What is to be done about the path in `bytes[from, to)`, so that every server reads the same path that the rule saw
 * (RFC 3986 section 6.2.2). Allocates nothing.
 * @param bytes whose characters the request-line parser has already accepted.
 * @returns bits, `IS_CHANGED` for a path that has another normal form; or a key of `PATH_FAULT`.
 */
export function examinePath(bytes: Uint8Array, from: number, to: number): number {
  let bits = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    if (PLAIN[byte] === 1) continue
    if (byte === SLASH) {
      if (isDotSegment(bytes, at + 1, to)) return DOT_SEGMENT
    } else if (byte === PERCENT) {
      const found = examineEscape(bytes, at, to)
      if (found < 0) return found
      bits |= found
      at += 2
    } else bits |= IS_CHANGED
  }
  return bits
}

function examineEscape(bytes: Uint8Array, at: number, to: number): number {
  const code = escapedAt(bytes, at, to)
  if (code < 0) return BAD_ESCAPE
  if (code < 0x20 || code === DELETE || code === BACKSLASH) return FORBIDDEN_ESCAPE
  if (isOverlong(code, escapedAt(bytes, at + 3, to))) return OVERLONG
  const isSlash = code === SLASH
  // Servers that decode before they resolve dot segments see a segment begin here.
  if (isSlash && isDotSegment(bytes, at + 3, to)) return DOT_SEGMENT
  const isChanged = IS_UNRESERVED[code] === 1 || isLower(bytes[at + 1]) || isLower(bytes[at + 2])
  return (isChanged ? IS_CHANGED : 0) | (isSlash ? HAS_ENCODED_SLASH : 0)
}

/** The byte that the escape at `at` stands for; -1: there is none. */
function escapedAt(bytes: Uint8Array, at: number, to: number): number {
  if (at + 2 >= to || bytes[at] !== PERCENT) return -1
  const high = HEX[bytes[at + 1] as number] as number
  const low = HEX[bytes[at + 2] as number] as number
  return high > 15 || low > 15 ? -1 : high * 16 + low
}

/** `%C0%AE` is a dot, and `%C0%AF` a slash, for decoders that do not check UTF-8 (RFC 3629 section 10). */
function isOverlong(code: number, next: number): boolean {
  if (code === 0xc0 || code === 0xc1) return next >= 0x80 && next <= 0xbf
  return (code === 0xe0 && next >= 0x80 && next <= 0x9f) || (code === 0xf0 && next >= 0x80 && next <= 0x8f)
}

/** What ends a segment for some server: a parameter (`/..;x`, Tomcat), or a query or fragment that was decoded too early. */
const SEGMENT_ENDS = new Set([SLASH, SEMICOLON, QUESTION, HASH])

/** Whether the segment that begins at `start` is `.` or `..` for any server. */
function isDotSegment(bytes: Uint8Array, start: number, to: number): boolean {
  const afterOne = afterDot(bytes, start, to)
  return afterOne !== -1 && (isSegmentEnd(bytes, afterOne, to) || isAfterSecondDot(bytes, afterOne, to))
}

function isAfterSecondDot(bytes: Uint8Array, start: number, to: number): boolean {
  const at = afterDot(bytes, start, to)
  return at !== -1 && isSegmentEnd(bytes, at, to)
}

/** The position after a dot, raw or escaped; -1: there is none. */
function afterDot(bytes: Uint8Array, at: number, to: number): number {
  if (at >= to) return -1
  if (bytes[at] === DOT) return at + 1
  return bytes[at] === PERCENT && escapedAt(bytes, at, to) === DOT ? at + 3 : -1
}

function isSegmentEnd(bytes: Uint8Array, at: number, to: number): boolean {
  if (at >= to) return true
  const byte = bytes[at] as number
  return SEGMENT_ENDS.has(byte === PERCENT ? escapedAt(bytes, at, to) : byte)
}

function isLower(byte = 0): boolean {
  return byte >= 0x61
}

const DIGITS = '0123456789ABCDEF'

/**
 * The normal form of the path in `bytes[from, to)`: unreserved characters without escapes, escapes in upper case, and
 * an escape for each character that RFC 3986 asks one for. Everything else stays, an encoded slash included.
 * @param bytes for which `examinePath` has found no fault.
 */
export function normalPath(bytes: Uint8Array, from: number, to: number): Buffer {
  const out = Buffer.allocUnsafe(3 * (to - from))
  let end = 0
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    const code = byte === PERCENT ? escapedAt(bytes, at, to) : byte
    if (byte === PERCENT ? IS_UNRESERVED[code] === 1 : RAW_IN_PATH[byte] === 0) out[end++] = code
    else end += out.write(`%${DIGITS.charAt(code >> 4)}${DIGITS.charAt(code & 15)}`, end, 'latin1')
    if (byte === PERCENT) at += 2
  }
  return Buffer.from(out.subarray(0, end)) // a copy: the rest of `out` is not kept
}

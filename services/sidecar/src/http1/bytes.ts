/** Bytes with a meaning of their own. */
export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const QUOTE = 0x22
export const HASH = 0x23
export const PERCENT = 0x25
export const AMPERSAND = 0x26
export const ASTERISK = 0x2a
export const PLUS = 0x2b
export const COMMA = 0x2c
export const DASH = 0x2d
export const DOT = 0x2e
export const SLASH = 0x2f
export const ZERO = 0x30
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const EQUALS = 0x3d
export const QUESTION = 0x3f
export const BRACKET = 0x5b
export const BACKSLASH = 0x5c
export const BRACKET_END = 0x5d
export const DELETE = 0x7f

/** Tables of allowed bytes (RFC 9110 section 5.6, RFC 3986 section 3): 1 for a byte that is allowed. */

const ALPHA_DIGIT = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const UNRESERVED = `${ALPHA_DIGIT}-._~`
const SUB_DELIMITERS = "!$&'()*+,;="

/** Methods and field names. */
export const TOKEN = table(`${ALPHA_DIGIT}!#$%&'*+-.^_\`|~`)

/** Field values: visible characters, space, tab, and the bytes past ASCII that old servers send. */
export const FIELD_VALUE = table(`\t${range(0x20, 0x7e)}${range(0x80, 0xff)}`)

/**
 * Not in RFC 3986 section 3.3, but sent raw in a path by browsers: the WHATWG URL standard does not percent-encode
 * `[ ] |`, and before 2024 it did not encode `^`.
 */
export const RAW_IN_PATH = table('[]|^')

/**
 * A path, `/` included. Every other raw byte is refused: no browser sends it, and a repair could hide an attack (RFC 9112
 * section 3).
 */
export const PATH = table(`${UNRESERVED}${SUB_DELIMITERS}%:@/[]|^`)

/** Characters whose escapes mean the same as themselves (RFC 3986 section 2.3). */
export const IS_UNRESERVED = table(UNRESERVED)

/** A query: every visible character but `#`; real clients escape less than RFC 3986 asks for. */
export const QUERY = table(range(0x21, 0x7e).replace('#', ''))

/** A host name; `%` begins an escape. */
export const HOST = table(`${UNRESERVED}${SUB_DELIMITERS}%`)

/** The authority between `http://` and the path, port and brackets included. */
export const AUTHORITY = table(`${UNRESERVED}${SUB_DELIMITERS}%:[]`)

/** A reason phrase or a quoted value: visible ASCII, space and tab. */
export const PRINTABLE = table(`\t${range(0x20, 0x7e)}`)

/** The value of a hexadecimal digit; 255 for every other byte. */
export const HEX = new Uint8Array(256).fill(255)
for (let digit = 0; digit < 16; digit++) {
  HEX[digit.toString(16).charCodeAt(0)] = digit
  HEX[digit.toString(16).toUpperCase().charCodeAt(0)] = digit
}

/** Letters in lower case, every other byte as it is. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte,
)

/**
 * Lower case for letters, digits as they are, `-` for every other byte. No server folds field names further than this.
 */
export const FOLDED = LOWER.map((byte) => (isLetterOrDigit(byte) ? byte : 0x2d))

/** Field names: 1 for letters, digits and `-`; 2 for the other characters of a token; 0 for all other bytes. */
export const NAME = TOKEN.map((isToken, byte) =>
  isToken === 0 ? 0 : FOLDED[byte] === 0x2d && byte !== 0x2d ? 2 : 1,
)

function isLetterOrDigit(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39)
}

function table(characters: string): Uint8Array {
  const bytes = new Uint8Array(256)
  for (const character of characters) bytes[character.charCodeAt(0)] = 1
  return bytes
}

function range(first: number, last: number): string {
  return String.fromCharCode(...Array.from({ length: last - first + 1 }, (_, index) => first + index))
}

/** Whether `bytes[from, to)` is `text` in upper or lower case. @param text in lower case */
export function equalsIgnoringCase(bytes: Uint8Array, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++)
    if (LOWER[bytes[from + i] as number] !== text.charCodeAt(i)) return false
  return true
}

/** Enough for 999 TB. A number with more digits is not exact. */
const MAX_DIGITS = 15

/** The value of a text of digits, as in Content-Length (RFC 9110 section 8.6); -1 for any other text. */
export function parseWholeNumber(bytes: Uint8Array, from: number, to: number): number {
  if (from === to || to - from > MAX_DIGITS) return -1
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** Which bytes may stand where (RFC 9110 section 5.6, RFC 3986 section 3): 1 for those that may. */

const ALPHA_DIGIT = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
const UNRESERVED = `${ALPHA_DIGIT}-._~`
const SUB_DELIMITERS = "!$&'()*+,;="

/** Methods and field names. */
export const TOKEN = table(`${ALPHA_DIGIT}!#$%&'*+-.^_\`|~`)

/** Field values: visible characters, space, tab, and the bytes past ASCII that old servers send. */
export const FIELD_VALUE = table(`\t${range(0x20, 0x7e)}${range(0x80, 0xff)}`)

/** Of a path, `/` included. */
export const PATH = table(`${UNRESERVED}${SUB_DELIMITERS}%:@/`)

/** Of a query: everything visible but `#`, since real clients leave more unescaped than RFC 3986 allows. */
export const QUERY = table(range(0x21, 0x7e).replace('#', ''))

/** Of a host name; `%` begins an escape. */
export const HOST = table(`${UNRESERVED}${SUB_DELIMITERS}%`)

/** Of what stands between `http://` and the path, port and brackets included. */
export const AUTHORITY = table(`${UNRESERVED}${SUB_DELIMITERS}%:[]`)

/** Of a reason phrase and a chunk extension: visible ASCII, space and tab. */
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

/** Letters in lower case, digits as they are, and every other byte as `-`: as far as any server folds a field name. */
export const FOLDED = LOWER.map((byte) => (isLetterOrDigit(byte) ? byte : 0x2d))

/** Of a field name: 1 for letters, digits and `-`, 2 for what else a token may have, 0 for all other bytes. */
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

import { BACKSLASH, CR, EQUALS, QUOTE, SEMICOLON } from '../head/ascii.ts'
import { PRINTABLE, TOKEN } from '../head/characters.ts'

/** After a semicolon. */
export const EXTENSION_START = 0
const NAME = 1
const VALUE_START = 2
const VALUE = 3
const QUOTED = 4
const ESCAPED = 5
const AFTER_QUOTED = 6
/** The CR after the last extension was seen. */
export const EXTENSION_END = 7
export const EXTENSION_BROKEN = -1

/**
 * One step through `*( ";" name [ "=" ( token / quoted-string ) ] )` (RFC 9112 section 7.1.1), without the spaces that
 * it merely tolerates. Servers read malformed extensions in different ways, which is a known way to smuggle requests.
 */
export function nextExtensionState(state: number, byte: number): number {
  switch (state) {
    case EXTENSION_START:
      return TOKEN[byte] === 1 ? NAME : EXTENSION_BROKEN
    case NAME:
      if (byte === EQUALS) return VALUE_START
      return TOKEN[byte] === 1 ? NAME : afterExtension(byte)
    case VALUE_START:
      if (byte === QUOTE) return QUOTED
      return TOKEN[byte] === 1 ? VALUE : EXTENSION_BROKEN
    case VALUE:
      return TOKEN[byte] === 1 ? VALUE : afterExtension(byte)
    case QUOTED:
      if (byte === QUOTE) return AFTER_QUOTED
      if (byte === BACKSLASH) return ESCAPED
      return PRINTABLE[byte] === 1 ? QUOTED : EXTENSION_BROKEN
    case ESCAPED:
      return PRINTABLE[byte] === 1 ? QUOTED : EXTENSION_BROKEN
    default:
      return afterExtension(byte)
  }
}

function afterExtension(byte: number): number {
  if (byte === SEMICOLON) return EXTENSION_START
  return byte === CR ? EXTENSION_END : EXTENSION_BROKEN
}

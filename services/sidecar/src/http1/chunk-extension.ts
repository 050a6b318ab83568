import { BACKSLASH, CR, EQUALS, PRINTABLE, QUOTE, SEMICOLON, TOKEN } from './bytes.ts'

/** After a semicolon. */
export const EXTENSION_START = 0
const NAME = 1
const VALUE_START = 2
const VALUE = 3
const QUOTED = 4
const ESCAPED = 5
const AFTER_VALUE = 6
/** The CR after the last extension was seen. */
export const EXTENSION_END = 7
const AFTER_NAME = 8
export const EXTENSION_BROKEN = -1

/**
 * One step through `*( ";" name [ "=" ( token / quoted-string ) ] )` (RFC 9112 section 7.1.1), without the white space
 * that it merely tolerates. Servers read malformed extensions in different ways, which is a known way to smuggle requests.
 */
export function nextExtensionState(state: number, byte: number): number {
  switch (state) {
    case EXTENSION_START:
      return TOKEN[byte] === 1 ? NAME : EXTENSION_BROKEN
    case NAME:
      return TOKEN[byte] === 1 ? NAME : afterName(byte)
    case AFTER_NAME:
      return afterName(byte)
    case VALUE_START:
      if (byte === QUOTE) return QUOTED
      return TOKEN[byte] === 1 ? VALUE : EXTENSION_BROKEN
    case VALUE:
      return TOKEN[byte] === 1 ? VALUE : afterExtension(byte)
    case QUOTED:
      if (byte === QUOTE) return AFTER_VALUE
      if (byte === BACKSLASH) return ESCAPED
      return PRINTABLE[byte] === 1 ? QUOTED : EXTENSION_BROKEN
    case ESCAPED:
      return PRINTABLE[byte] === 1 ? QUOTED : EXTENSION_BROKEN
    default:
      return afterExtension(byte)
  }
}

/** The state after white space, which a reader must tolerate and a sender may not send; `EXTENSION_BROKEN` in quotes. */
export function stateAfterBlank(state: number): number {
  switch (state) {
    case QUOTED:
    case ESCAPED:
      return EXTENSION_BROKEN
    case NAME:
      return AFTER_NAME
    case VALUE:
      return AFTER_VALUE
    default:
      return state
  }
}

function afterName(byte: number): number {
  return byte === EQUALS ? VALUE_START : afterExtension(byte)
}

function afterExtension(byte: number): number {
  if (byte === SEMICOLON) return EXTENSION_START
  return byte === CR ? EXTENSION_END : EXTENSION_BROKEN
}

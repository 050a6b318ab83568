import { COLON, CR, LF, SEMICOLON } from '../head/ascii.ts'
import { FIELD_VALUE, HEX, TOKEN } from '../head/characters.ts'
import { FIELD, fieldId } from '../head/field-ids.ts'
import { EXTENSION_BROKEN, EXTENSION_END, EXTENSION_START, nextExtensionState } from './chunk-extension.ts'

/** Hex digits of a chunk size: up to 256 TiB, exactly. */
const MAX_SIZE_DIGITS = 12
/** Bytes of one chunk's extension. */
const MAX_EXTENSION_BYTES = 256
/** Bytes of all trailer lines. */
const MAX_TRAILER_BYTES = 8_192

const SIZE = 0
const EXTENSION = 1
const SIZE_LF = 2
const DATA = 3
const DATA_CR = 4
const DATA_LF = 5
const LINE_START = 6
const NAME = 7
const VALUE = 8
const LINE_LF = 9
const END_LF = 10
const DONE = 11

/** What `advance` returns instead of a position. */
export const BROKEN = -1

const MAX_NAME_BYTES = 64

/**
 * Reads the chunked coding (RFC 9112 section 7.1) byte by byte, strictly: only CRLF ends a line, a size is hex digits
 * alone, extensions are well-formed and short, trailers are fields that do not say how a message is read.
 */
export class ChunkedFraming {
  #state = SIZE
  /** Of the chunk being read. */
  #remaining = 0
  /** Digits, bytes of extension or bytes of trailers so far. */
  #seen = 0
  #trailerBytes = 0
  #extensionState: number = EXTENSION_START
  readonly #name = new Uint8Array(MAX_NAME_BYTES)

  reset(): void {
    this.#state = SIZE
    this.#remaining = 0
    this.#seen = 0
    this.#trailerBytes = 0
  }

  get done(): boolean {
    return this.#state === DONE
  }

  /**
   * Takes the next bytes of the message.
   * @param data told of each range of chunk data, where the caller needs the body without its coding.
   * @returns the position after the last byte of the body (`end` while there is more to come), or `BROKEN`.
   */
  advance(bytes: Buffer, start: number, end: number, data?: (from: number, to: number) => void): number {
    let at = start
    while (at < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const to = Math.min(end, at + this.#remaining)
        data?.(at, to)
        this.#remaining -= to - at
        at = to
        if (this.#remaining === 0) this.#state = DATA_CR
      } else if (this.#step(bytes[at] as number)) at++
      else return BROKEN
    }
    return at
  }

  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#size(byte)
      case EXTENSION:
        return this.#extension(byte)
      case SIZE_LF:
        this.#state = this.#remaining === 0 ? LINE_START : DATA
        return byte === LF
      case DATA_CR:
        this.#state = DATA_LF
        return byte === CR
      case DATA_LF:
        this.#state = SIZE
        this.#seen = 0
        return byte === LF
      default:
        return this.#trailer(byte)
    }
  }

  #size(byte: number): boolean {
    const digit = HEX[byte] as number
    if (digit < 16) {
      this.#remaining = this.#seen === 0 ? digit : this.#remaining * 16 + digit
      return ++this.#seen <= MAX_SIZE_DIGITS
    }
    if (this.#seen === 0 || (byte !== CR && byte !== SEMICOLON)) return false
    this.#state = byte === CR ? SIZE_LF : EXTENSION
    this.#extensionState = EXTENSION_START
    this.#seen = 0
    return true
  }

  /** `*( ";" name [ "=" ( token / quoted-string ) ] )`, without the spaces that RFC 9112 only tolerates. */
  #extension(byte: number): boolean {
    this.#extensionState = nextExtensionState(this.#extensionState, byte)
    if (this.#extensionState === EXTENSION_END) this.#state = SIZE_LF
    return this.#extensionState !== EXTENSION_BROKEN && ++this.#seen <= MAX_EXTENSION_BYTES
  }

  #trailer(byte: number): boolean {
    if (++this.#trailerBytes > MAX_TRAILER_BYTES) return false
    switch (this.#state) {
      case LINE_START:
        this.#seen = 0
        this.#state = byte === CR ? END_LF : NAME
        return byte === CR || this.#nameByte(byte)
      case NAME:
        return byte === COLON ? this.#endOfName() : this.#nameByte(byte)
      case VALUE:
        if (byte === CR) this.#state = LINE_LF
        return byte === CR || FIELD_VALUE[byte] === 1
      case LINE_LF:
        this.#state = LINE_START
        return byte === LF
      default:
        this.#state = DONE
        return byte === LF
    }
  }

  #nameByte(byte: number): boolean {
    if (this.#seen === MAX_NAME_BYTES || TOKEN[byte] !== 1) return false
    this.#name[this.#seen++] = byte
    return true
  }

  /** A trailer may not say what a head must (RFC 9110 section 6.5.1). */
  #endOfName(): boolean {
    this.#state = VALUE
    return fieldId(this.#name, 0, this.#seen) === FIELD.unknown
  }
}

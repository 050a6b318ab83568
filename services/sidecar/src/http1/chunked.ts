import { COLON, CR, FIELD_VALUE, HEX, LF, SEMICOLON, SPACE, TAB } from './bytes.ts'
import {
  EXTENSION_BROKEN,
  EXTENSION_END,
  EXTENSION_START,
  nextExtensionState,
  stateAfterBlank,
} from './chunk-extension.ts'
import { FORBIDDEN, FORWARDED, TrailerLine } from './trailer-line.ts'

/** Hex digits of a chunk size in a request; leading zeros count, for servers differ about how many they read. */
const MAX_SIZE_DIGITS = 12
/** The same in a response, where zeros that pad a size are harmless. */
const MAX_PADDED_DIGITS = 16
/** Of a chunk: 256 TiB, exactly. */
const MAX_SIZE = 2 ** 48
/** Bytes of one chunk's extension, white space included. */
const MAX_EXTENSION_BYTES = 256
/** Bytes of all trailer lines. */
const MAX_TRAILER_BYTES = 8_192

const SIZE = 0
const AFTER_SIZE = 1
const EXTENSION = 2
const SIZE_LF = 3
const DATA = 4
const DATA_CR = 5
const DATA_LF = 6
const LINE_START = 7
const NAME = 8
const VALUE = 9
const LINE_LF = 10
const END_LF = 11
const DONE = 12

/** What `advance` returns instead of a position. */
export const BROKEN = -1

/** Whose body it is: a request's is read strictly, a response's with what a reader must tolerate. */
export type Sender = 'client' | 'server'

const NOTHING: Buffer = Buffer.alloc(0)

/**
 * Reads the chunked coding (RFC 9112 section 7.1) byte by byte: only CRLF ends a line, a size is hex digits,
 * extensions are well-formed and short. White space around extensions is broken in a request and left out of a response.
 * A trailer line is forwarded once it is complete, or left out.
 */
export class ChunkedFraming {
  /** What of the bytes that were taken last goes on, in order; null: all of them, as they are. */
  pieces: Buffer[] | null = null
  readonly #isLenient: boolean
  #state = SIZE
  /** Of the chunk being read. */
  #remaining = 0
  /** Digits, or bytes of extension so far. */
  #seen = 0
  #trailerBytes = 0
  #extensionState: number = EXTENSION_START
  #trailer: TrailerLine | null = null
  #bytes = NOTHING
  /** What stands before it in `#bytes` is in `pieces`, or left out. */
  #keptFrom = 0
  /** Where the trailer line under way begins in `#bytes`. */
  #lineFrom = 0
  /** What came of that line before `#bytes`. */
  #held = NOTHING

  constructor(sender: Sender = 'client') {
    this.#isLenient = sender === 'server'
  }

  reset(): void {
    this.#state = SIZE
    this.#remaining = 0
    this.#seen = 0
    this.#trailerBytes = 0
    this.#held = NOTHING
    this.pieces = null
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
    this.#begin(bytes, start)
    while (at < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const to = Math.min(end, at + this.#remaining)
        data?.(at, to)
        this.#remaining -= to - at
        at = to
        if (this.#remaining === 0) this.#state = DATA_CR
      } else if (this.#step(bytes[at] as number, at)) at++
      else return BROKEN
    }
    this.#conclude(at)
    return at
  }

  #begin(bytes: Buffer, start: number): void {
    this.pieces = null
    this.#bytes = bytes
    this.#keptFrom = start
    this.#lineFrom = start
  }

  #conclude(at: number): void {
    if (this.#isInTrailerLine) {
      this.#held = Buffer.concat([this.#held, this.#bytes.subarray(this.#lineFrom, at)])
      this.#leaveOut(this.#lineFrom, at)
    }
    if (this.pieces !== null && at > this.#keptFrom)
      this.pieces.push(this.#bytes.subarray(this.#keptFrom, at))
    this.#bytes = NOTHING
  }

  get #isInTrailerLine(): boolean {
    return this.#state === NAME || this.#state === VALUE || this.#state === LINE_LF
  }

  #leaveOut(from: number, to: number): void {
    this.pieces ??= []
    if (from > this.#keptFrom) this.pieces.push(this.#bytes.subarray(this.#keptFrom, from))
    this.#keptFrom = to
  }

  #step(byte: number, at: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#size(byte, at)
      case AFTER_SIZE:
        return this.#afterSize(byte, at)
      case EXTENSION:
        return this.#extension(byte, at)
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
        return ++this.#trailerBytes <= MAX_TRAILER_BYTES && this.#trailerByte(byte, at)
    }
  }

  #size(byte: number, at: number): boolean {
    const digit = HEX[byte] as number
    if (digit < 16) {
      this.#remaining = this.#seen === 0 ? digit : this.#remaining * 16 + digit
      const maxDigits = this.#isLenient ? MAX_PADDED_DIGITS : MAX_SIZE_DIGITS
      return ++this.#seen <= maxDigits && this.#remaining < MAX_SIZE
    }
    if (this.#seen === 0) return false
    this.#seen = 0
    return this.#afterSize(byte, at)
  }

  #afterSize(byte: number, at: number): boolean {
    if (this.#isLenient && isBlank(byte)) return this.#blank(AFTER_SIZE, at)
    this.#state = byte === CR ? SIZE_LF : EXTENSION
    this.#extensionState = EXTENSION_START
    return byte === CR || byte === SEMICOLON
  }

  /** `*( ";" name [ "=" ( token / quoted-string ) ] )` */
  #extension(byte: number, at: number): boolean {
    const afterBlank =
      this.#isLenient && isBlank(byte) ? stateAfterBlank(this.#extensionState) : EXTENSION_BROKEN
    if (afterBlank !== EXTENSION_BROKEN) {
      this.#extensionState = afterBlank
      return this.#blank(EXTENSION, at)
    }
    this.#extensionState = nextExtensionState(this.#extensionState, byte)
    if (this.#extensionState === EXTENSION_END) this.#state = SIZE_LF
    return this.#extensionState !== EXTENSION_BROKEN && ++this.#seen <= MAX_EXTENSION_BYTES
  }

  /** White space that is left out. */
  #blank(state: number, at: number): boolean {
    this.#state = state
    this.#leaveOut(at, at + 1)
    return ++this.#seen <= MAX_EXTENSION_BYTES
  }

  #trailerByte(byte: number, at: number): boolean {
    switch (this.#state) {
      case LINE_START:
        return byte === CR ? this.#endOfTrailers() : this.#startLine(byte, at)
      case NAME:
        if (byte !== COLON) return (this.#trailer as TrailerLine).add(byte)
        this.#state = VALUE
        return (this.#trailer as TrailerLine).verdict(this.#isLenient) !== FORBIDDEN
      case VALUE:
        if (byte === CR) this.#state = LINE_LF
        return byte === CR || FIELD_VALUE[byte] === 1
      case LINE_LF:
        return byte === LF && this.#endLine(at + 1)
      default:
        this.#state = DONE
        return byte === LF
    }
  }

  #endOfTrailers(): boolean {
    this.#state = END_LF
    return true
  }

  #startLine(byte: number, at: number): boolean {
    this.#state = NAME
    this.#lineFrom = at
    this.#held = NOTHING
    this.#trailer ??= new TrailerLine()
    this.#trailer.reset()
    return this.#trailer.add(byte)
  }

  #endLine(end: number): boolean {
    const isForwarded = (this.#trailer as TrailerLine).verdict(this.#isLenient) === FORWARDED
    this.#state = LINE_START
    if (!isForwarded) this.#leaveOut(this.#lineFrom, end)
    else if (this.#held.length > 0) {
      this.#leaveOut(this.#lineFrom, this.#lineFrom)
      this.pieces?.push(this.#held)
    }
    this.#held = NOTHING
    return true
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

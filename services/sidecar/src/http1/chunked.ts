import { HEX } from './bytes.ts'
import { chunkState, compileChunkStates, EFFECT, NO_TRANSITION } from './chunk-states.ts'
import { FORBIDDEN, FORWARDED, TrailerLine } from './trailer-line.ts'

/** Hex digits of a chunk size in a request, leading zeros included: servers differ in how many they read. */
const MAX_SIZE_DIGITS = 12
/** The same in a response, where zeros that pad a size do no harm. */
const MAX_PADDED_DIGITS = 16
/** Of a chunk: 256 TiB, exactly. */
const MAX_SIZE = 2 ** 48
/** Bytes of one chunk's extensions, white space included. */
const MAX_EXTENSION_BYTES = 256
/** Bytes of all trailer lines. */
const MAX_TRAILER_BYTES = 8_192

const SIZE_START = chunkState('size start')
const DATA = chunkState('data')
const DATA_CR = chunkState('data CR')
const TRAILER_START = chunkState('trailer start')
const TRAILER_NAME = chunkState('trailer name')
const TRAILER_LF = chunkState('trailer LF')
const DONE = chunkState('done')

/** What `advance` returns instead of a position. */
export const BROKEN = -1

/** Whose body it is: a request is read strictly, a response with what a recipient must tolerate. */
export type Sender = 'client' | 'server'

const TABLES = { client: compileChunkStates(false), server: compileChunkStates(true) }

const NOTHING: Buffer = Buffer.alloc(0)

/**
 * Reads a body in the chunked coding, byte by byte through the table of `CHUNK_STATES`. The bytes are forwarded as they
 * came, with two exceptions: white space around extensions is left out, and a trailer line is forwarded or left out
 * once it is complete.
 */
export class ChunkedFraming {
  /** What to forward of the bytes that were taken last, in order; null: all of them, as they are. */
  pieces: Buffer[] | null = null
  readonly #isResponse: boolean
  readonly #table: Uint16Array
  #state = SIZE_START
  /** Bytes of the chunk's data that are still to come. */
  #remaining = 0
  #digits = 0
  #extensionBytes = 0
  #trailerBytes = 0
  #trailer: TrailerLine | null = null
  #bytes = NOTHING
  /** What stands before it in `#bytes` is in `pieces`, or left out. */
  #keptFrom = 0
  /** Where the current trailer line begins in `#bytes`. */
  #lineFrom = 0
  /** What came of that line before `#bytes`. */
  #held = NOTHING

  readonly #replaced: readonly Uint8Array[]

  /** @param replaced as of `TrailerLine`. */
  constructor(sender: Sender = 'client', replaced: readonly Uint8Array[] = []) {
    this.#isResponse = sender === 'server'
    this.#replaced = replaced
    this.#table = TABLES[sender]
  }

  reset(): void {
    this.#state = SIZE_START
    this.#remaining = 0
    this.#digits = 0
    this.#extensionBytes = 0
    this.#trailerBytes = 0
    this.#held = NOTHING
    this.pieces = null
  }

  get done(): boolean {
    return this.#state === DONE
  }

  /**
   * Takes the next bytes of the message.
   * @param data called for each range of chunk data, for a caller that needs the body without its coding.
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
    return this.#state >= TRAILER_NAME && this.#state <= TRAILER_LF
  }

  #leaveOut(from: number, to: number): void {
    this.pieces ??= []
    if (from > this.#keptFrom) this.pieces.push(this.#bytes.subarray(this.#keptFrom, from))
    this.#keptFrom = to
  }

  /** @returns false when the body is malformed. */
  #step(byte: number, at: number): boolean {
    if (this.#state >= TRAILER_START && ++this.#trailerBytes > MAX_TRAILER_BYTES) return false
    const transition = this.#table[this.#state * 256 + byte] as number
    if (transition === NO_TRANSITION) return false
    this.#state = transition & 0xff
    return transition < 256 || this.#perform(transition >> 8, byte, at)
  }

  #perform(effect: number, byte: number, at: number): boolean {
    switch (effect) {
      case EFFECT.addDigit:
        return this.#addDigit(HEX[byte] as number)
      case EFFECT.countExtension:
        return this.#countExtension()
      case EFFECT.leaveOutBlank:
        this.#leaveOut(at, at + 1)
        return this.#countExtension()
      case EFFECT.endSizeLine:
        if (this.#remaining === 0) this.#state = TRAILER_START
        return true
      case EFFECT.startChunk:
        this.#digits = 0
        this.#extensionBytes = 0
        return true
      case EFFECT.startTrailer:
        return this.#startTrailer(byte, at)
      case EFFECT.addToName:
        return (this.#trailer as TrailerLine).add(byte)
      case EFFECT.endName:
        return (this.#trailer as TrailerLine).verdict(this.#isResponse) !== FORBIDDEN
      default:
        return this.#endTrailer(at + 1)
    }
  }

  #addDigit(digit: number): boolean {
    this.#remaining = this.#remaining * 16 + digit
    const maxDigits = this.#isResponse ? MAX_PADDED_DIGITS : MAX_SIZE_DIGITS
    return ++this.#digits <= maxDigits && this.#remaining < MAX_SIZE
  }

  #countExtension(): boolean {
    return ++this.#extensionBytes <= MAX_EXTENSION_BYTES
  }

  #startTrailer(byte: number, at: number): boolean {
    this.#lineFrom = at
    this.#held = NOTHING
    this.#trailer ??= new TrailerLine(this.#replaced)
    this.#trailer.reset()
    return this.#trailer.add(byte)
  }

  #endTrailer(end: number): boolean {
    const isForwarded = (this.#trailer as TrailerLine).verdict(this.#isResponse) === FORWARDED
    if (!isForwarded) this.#leaveOut(this.#lineFrom, end)
    else if (this.#held.length > 0) {
      this.#leaveOut(this.#lineFrom, this.#lineFrom)
      this.pieces?.push(this.#held)
    }
    this.#held = NOTHING
    return true
  }
}

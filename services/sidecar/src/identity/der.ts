/** One element of DER (ITU-T X.690): its tag, and its content. */
export interface Element {
  /** The whole identifier octet: class, constructed or primitive, and number. */
  readonly tag: number
  readonly content: Uint8Array
}

/** Bytes are no DER, or not the DER that was expected. */
export class NotDer extends Error {}

const MULTI_BYTE_TAG = 31
/** The longest length field: a certificate of more than 16 MiB does not exist. */
const MAX_LENGTH_BYTES = 3

/**
 * Reads DER strictly, element by element. What BER allows besides (lengths that are not minimal, or indefinite) is
 * refused: two readers could see two certificates in the same bytes.
 */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** The tag of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** @throws NotDer */
  next(): Element {
    const tag = this.#byte()
    if ((tag & MULTI_BYTE_TAG) === MULTI_BYTE_TAG) throw new NotDer('a tag of several bytes')
    const length = this.#length()
    const start = this.#at
    if (length > this.#bytes.length - start) throw new NotDer('a length beyond the end')
    this.#at += length
    return { tag, content: this.#bytes.subarray(start, this.#at) }
  }

  /** The content of the next element, which must have this tag. @throws NotDer */
  expect(tag: number): Uint8Array {
    const element = this.next()
    if (element.tag !== tag) throw new NotDer(`tag ${element.tag} instead of ${tag}`)
    return element.content
  }

  /** @throws NotDer when bytes are left. */
  expectEnd(): void {
    if (!this.isAtEnd) throw new NotDer('bytes after the end')
  }

  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0 || count > MAX_LENGTH_BYTES) throw new NotDer('an indefinite or huge length')
    let length = 0
    for (let i = 0; i < count; i++) length = length * 256 + this.#byte()
    if (length < 0x80 || length < 256 ** (count - 1)) throw new NotDer('a length that is not minimal')
    return length
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw new NotDer('too short')
    this.#at += 1
    return byte
  }
}

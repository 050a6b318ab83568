import { AMPERSAND, EQUALS, HEX, PERCENT, PLUS, QUESTION, SEMICOLON, SPACE } from '../http1/bytes.ts'

const MAX_NAME_CHARACTERS = 128

/**
 * The names that a query may have. They are compared decoded, percent and `+`, with letter case. A name may occur several
 * times: lists are sent so (`match[]=a&match[]=b`), and the condition is on names, not on values. A name that is allowed
 * need not occur.
 *
 * Some servers take `;` for a separator as `&` is, others for a part of a name or value. The names of both readings must be
 * allowed: in `?a=1;b=2` that are `a` and `b`, and in `?a;b=2` `a;b` too. Empty pieces, as in `?a&&b`, are nobody's name.
 */
export class QueryNames {
  readonly #names: readonly Buffer[]

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(name))
  }

  /** @param from the position of the question mark, or `to` when there is none. */
  allows(bytes: Buffer, from: number, to: number): boolean {
    return this.#refusedAt(bytes, from, to) === -1
  }

  /** The first name that is not allowed, as it was sent and clipped, for a message; null when all are. */
  refusedName(bytes: Buffer, from: number, to: number): string | null {
    const at = this.#refusedAt(bytes, from, to)
    if (at === -1) return null
    const end = nameEnd(bytes, at, to)
    return clipped(bytes, at, this.#has(bytes, at, end) || end === at ? wholeNameEnd(bytes, at, to) : end)
  }

  /** @returns where the first name begins that is not allowed, or -1. */
  #refusedAt(bytes: Buffer, from: number, to: number): number {
    let at = bytes[from] === QUESTION && from < to ? from + 1 : to
    // The rule says "no query": not even separators.
    if (this.#names.length === 0) return at < to ? at : -1
    let isWhole = true
    while (at < to) {
      const end = nameEnd(bytes, at, to)
      const next = pieceEnd(bytes, end, to)
      if (next > at && !this.#has(bytes, at, end)) return at
      // For servers that do not separate by `;`, all of `a;b` is one name.
      const isLonger = isWhole && end < to && bytes[end] === SEMICOLON
      if (isLonger && !this.#has(bytes, at, wholeNameEnd(bytes, at, to))) return at
      isWhole = bytes[next] === AMPERSAND
      at = next + 1
    }
    return -1
  }

  #has(bytes: Buffer, from: number, to: number): boolean {
    for (let i = 0; i < this.#names.length; i++)
      if (isSameName(bytes, from, to, this.#names[i] as Buffer)) return true
    return false
  }
}

function nameEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] !== EQUALS && !isSeparator(bytes[at])) at++
  return at
}

/** The same where only `&` separates. */
function wholeNameEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && bytes[at] !== EQUALS && bytes[at] !== AMPERSAND) at++
  return at
}

function pieceEnd(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && !isSeparator(bytes[at])) at++
  return at
}

function isSeparator(byte: number | undefined): boolean {
  return byte === AMPERSAND || byte === SEMICOLON
}

/** Whether `bytes[from, to)` decodes to `name`. A `%` that begins no escape is never the same: servers differ about it. */
function isSameName(bytes: Buffer, from: number, to: number, name: Buffer): boolean {
  let at = from
  for (let i = 0; i < name.length; i++) {
    if (at >= to) return false
    const byte = bytes[at] as number
    if (byte === PERCENT) {
      if (at + 2 >= to || escaped(bytes, at) !== name[i]) return false
      at += 3
    } else {
      if ((byte === PLUS ? SPACE : byte) !== name[i]) return false
      at += 1
    }
  }
  return at === to
}

/** The byte that an escape stands for; 255 or more, which is no byte of UTF-8, when it is no escape. */
function escaped(bytes: Buffer, at: number): number {
  return (HEX[bytes[at + 1] as number] as number) * 16 + (HEX[bytes[at + 2] as number] as number)
}

function clipped(bytes: Buffer, from: number, to: number): string {
  const text = bytes.toString('latin1', from, Math.min(to, from + MAX_NAME_CHARACTERS))
  return to - from > MAX_NAME_CHARACTERS ? `${text}…` : text
}

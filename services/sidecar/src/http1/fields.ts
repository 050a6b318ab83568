import { COLON, CR, FIELD_VALUE, LF, NAME, SPACE, TAB } from './bytes.ts'
import { FIELD, type FieldId, fieldId, knownFieldId } from './field-names.ts'

/** The highest value of `limits.fields`, and its default. */
export const MOST_FIELDS = 1_024
export const USUAL_FIELDS = 128

/** What `scanFields` returns instead of a position. */
export const INCOMPLETE = -1
export const TOO_MANY_FIELDS = -6
export const FIELD_FAULT = {
  [-2]: 'a field name has a character that may not stand there',
  [-3]: 'a field value has a control character',
  [-4]: 'a line ends with a bare LF or CR',
  [-5]: 'a line is folded (obs-fold)',
} as const

const STRIDE = 5
const FIRST_RECORDS = 32

/**
 * The positions of the lines that mean something to the relay. Reused for each head, so that scanning allocates
 * nothing.
 */
export class Fields {
  /** How many lines were recorded. */
  count = 0
  #records = new Int32Array(FIRST_RECORDS * STRIDE)

  add(id: FieldId, lineStart: number, valueStart: number, valueEnd: number, lineEnd: number): void {
    const at = this.count * STRIDE
    if (at === this.#records.length) this.#grow()
    this.#records[at] = id
    this.#records[at + 1] = lineStart
    this.#records[at + 2] = valueStart
    this.#records[at + 3] = valueEnd
    this.#records[at + 4] = lineEnd
    this.count += 1
  }

  id(index: number): number {
    return this.#records[index * STRIDE] as number
  }

  lineStart(index: number): number {
    return this.#records[index * STRIDE + 1] as number
  }

  valueStart(index: number): number {
    return this.#records[index * STRIDE + 2] as number
  }

  valueEnd(index: number): number {
    return this.#records[index * STRIDE + 3] as number
  }

  /** Past the line's CRLF. */
  lineEnd(index: number): number {
    return this.#records[index * STRIDE + 4] as number
  }

  #grow(): void {
    const records = new Int32Array(this.#records.length * 2)
    records.set(this.#records)
    this.#records = records
  }
}

/**
 * Reads the field lines (RFC 9112 section 5) from `position` to the empty line, strictly: only CRLF ends a line, no line
 * is folded, no space stands before the colon. Lines that mean something to the relay, and lines with an odd name, are
 * recorded in `fields`.
 * @returns the position after the empty line, `INCOMPLETE`, `TOO_MANY_FIELDS`, or a key of `FIELD_FAULT`.
 */
export function scanFields(
  fields: Fields,
  bytes: Uint8Array,
  position: number,
  end: number,
  maxFields: number,
  isRequest: boolean,
): number {
  fields.count = 0
  let at = position
  for (let lines = 0; ; lines++) {
    if (at >= end) return INCOMPLETE
    if (bytes[at] === CR) return endOfHead(bytes, at, end)
    if (lines === maxFields) return TOO_MANY_FIELDS
    const lineStart = at
    let kinds = 0
    for (let kind = NAME[bytes[at] as number] as number; kind !== 0; ) {
      kinds |= kind
      if (++at === end) return INCOMPLETE
      kind = NAME[bytes[at] as number] as number
    }
    if (bytes[at] !== COLON || at === lineStart) return faultInName(bytes, at, lineStart)
    const nameEnd = at
    at++
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++
    const valueStart = at
    while (at < end && FIELD_VALUE[bytes[at] as number] === 1) at++
    if (at + 1 >= end) return at < end && bytes[at] !== CR ? faultInValue(bytes, at) : INCOMPLETE
    if (bytes[at] !== CR || bytes[at + 1] !== LF) return faultInValue(bytes, at)
    const id = meaningOf(bytes, lineStart, nameEnd, kinds > 1, isRequest)
    if (id !== FIELD.unknown) fields.add(id, lineStart, valueStart, trimmedEnd(bytes, valueStart, at), at + 2)
    at += 2
  }
}

/** The position after the name of the recorded line that begins at `lineStart`. */
export function nameEnd(bytes: Uint8Array, lineStart: number): number {
  return bytes.indexOf(COLON, lineStart)
}

function meaningOf(bytes: Uint8Array, from: number, to: number, isOdd: boolean, isRequest: boolean): FieldId {
  const id = isRequest ? fieldId(bytes, from, to) : knownFieldId(bytes, from, to)
  if (!isOdd) return id
  const isFraming = id === FIELD.contentLength || id === FIELD.transferEncoding || id === FIELD.host
  return isFraming ? FIELD.oddFraming : FIELD.oddName
}

function endOfHead(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 === end) return INCOMPLETE
  return bytes[at + 1] === LF ? at + 2 : -4
}

function faultInName(bytes: Uint8Array, at: number, lineStart: number): number {
  const byte = bytes[at]
  if (at === lineStart && (byte === SPACE || byte === TAB)) return -5
  return byte === LF || byte === CR ? -4 : -2
}

function faultInValue(bytes: Uint8Array, at: number): number {
  return bytes[at] === LF || bytes[at] === CR ? -4 : -3
}

/**
 * Trims spaces only. A tab stays, and makes the value of a framing field invalid in a request: parsers differ about it.
 */
function trimmedEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end
  while (at > start && bytes[at - 1] === SPACE) at--
  return at
}

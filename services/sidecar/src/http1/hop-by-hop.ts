import { COLON, COMMA, equalsIgnoringCase, LF, LOWER, SPACE, TAB, TOKEN } from './bytes.ts'
import { isOneOf } from './destination.ts'
import { FIELD, type FieldId, fieldId } from './field-names.ts'
import type { Fields } from './fields.ts'

/** Unknown fields that one head may name in `Connection`; honest messages name one or two. */
export const MOST_NOMINATED = 32

const FIRST_RANGES = 32

/** A head whose field lines were scanned. */
export interface ScannedHead {
  readonly fields: Fields
  readonly fieldsStart: number
  readonly end: number
  /** Folded names of fields that are dropped, recorded or not. */
  readonly replaced?: readonly Uint8Array[]
  /** Whether the recorded line is dropped. */
  isDropped(index: number, bytes: Buffer): boolean
}

/** The ranges of a head that are dropped, in order and without overlaps. */
export class Drops {
  count = 0
  /** `Connection` names `Upgrade`. */
  upgrades = false
  #positions = new Int32Array(2 * FIRST_RANGES)
  /** The field names in `Connection`, as ranges of the head. */
  #nominated = 0
  readonly #names = new Int32Array(2 * MOST_NOMINATED)

  clear(): void {
    this.count = 0
    this.upgrades = false
    this.#nominated = 0
  }

  start(index: number): number {
    return this.#positions[2 * index] as number
  }

  end(index: number): number {
    return this.#positions[2 * index + 1] as number
  }

  /** Adds a range after all others; one that begins where the last one ends is joined with it. */
  add(start: number, end: number): void {
    const isNext = this.count > 0 && this.end(this.count - 1) === start
    if (isNext) this.count -= 1
    else this.#place(2 * this.count, start)
    this.#positions[2 * this.count + 1] = end
    this.count += 1
  }

  /** `Connection` names the field in `bytes[from, to)`. @returns false when it names too many. */
  nominate(from: number, to: number): boolean {
    if (this.#nominated === MOST_NOMINATED) return false
    this.#names[2 * this.#nominated] = from
    this.#names[2 * this.#nominated + 1] = to
    this.#nominated += 1
    return true
  }

  /** Finds the recorded lines that `head` drops, and all lines that `Connection` names, in one pass over the head. */
  collect(head: ScannedHead, bytes: Buffer): void {
    this.count = 0
    if (this.#nominated > 0 || head.replaced?.length) this.#collectFromLines(head, bytes)
    else this.#collectFromFields(head, bytes)
  }

  #collectFromFields(head: ScannedHead, bytes: Buffer): void {
    const { fields } = head
    for (let i = 0; i < fields.count; i++)
      if (head.isDropped(i, bytes)) this.add(fields.lineStart(i), fields.lineEnd(i))
  }

  #collectFromLines(head: ScannedHead, bytes: Buffer): void {
    const { fields, replaced = [] } = head
    let recorded = 0
    for (let line = head.fieldsStart; line < head.end - 2; ) {
      const next = bytes.indexOf(LF, line) + 1
      const isRecorded = recorded < fields.count && fields.lineStart(recorded) === line
      const isDropped = isRecorded && head.isDropped(recorded, bytes)
      if (isDropped || this.isNominated(bytes, line) || isOneOf(replaced, bytes, line)) this.add(line, next)
      if (isRecorded) recorded += 1
      line = next
    }
  }

  /** Whether `Connection` names the field whose line begins at `line`. */
  isNominated(bytes: Buffer, line: number): boolean {
    for (let i = 0; i < this.#nominated; i++) {
      const from = this.#names[2 * i] as number
      const length = (this.#names[2 * i + 1] as number) - from
      if (bytes[line + length] === COLON && isEqual(bytes, line, from, length)) return true
    }
    return false
  }

  #place(at: number, start: number): void {
    if (at === this.#positions.length) {
      const positions = new Int32Array(2 * at)
      positions.set(this.#positions)
      this.#positions = positions
    }
    this.#positions[at] = start
  }
}

function isEqual(bytes: Buffer, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++)
    if (LOWER[bytes[one + i] as number] !== LOWER[bytes[other + i] as number]) return false
  return true
}

/** What a head says about its connection. */
interface ConnectionHead {
  readonly drops: Drops
  closes: boolean
  keepsAlive: boolean
}

/**
 * Reads one `Connection` value of a request (RFC 9110 section 7.6.1): `close`, `keep-alive`, and names of fields that end
 * at the sidecar too.
 * @returns false when the value is malformed, names too many fields, or names a field that the relay needs: a client must
 * not be able to remove such a field.
 */
export function readConnectionOptions(
  head: ConnectionHead,
  bytes: Buffer,
  from: number,
  to: number,
): boolean {
  let at = from
  while (at < to) {
    const start = at
    while (at < to && TOKEN[bytes[at] as number] === 1) at++
    if (at > start && !readOption(head, bytes, start, at, true)) return false
    while (at < to && isBlank(bytes[at] as number)) at++
    if (at < to && bytes[at] !== COMMA) return false
    at++
    while (at < to && isBlank(bytes[at] as number)) at++
  }
  return true
}

/**
 * The same for a response, which is never refused for it: a malformed value counts as `close`. A field that frames the
 * message is kept, whatever `Connection` says.
 */
export function readConnectionLeniently(head: ConnectionHead, bytes: Buffer, from: number, to: number): void {
  let at = from
  while (at < to) {
    const start = at
    while (at < to && TOKEN[bytes[at] as number] === 1) at++
    if (at > start && !readOption(head, bytes, start, at, false)) head.closes = true
    if (at > start) continue
    if (!isBlank(bytes[at] as number) && bytes[at] !== COMMA) head.closes = true
    at++
  }
}

function readOption(
  head: ConnectionHead,
  bytes: Buffer,
  from: number,
  to: number,
  isRequest: boolean,
): boolean {
  if (readKnownOption(head, bytes, from, to)) return true
  const id = fieldId(bytes, from, to)
  if (isDroppedAnyway(id)) return true
  return mayNominate(id, isRequest) ? head.drops.nominate(from, to) : !isRequest
}

/** @returns false for the name of a field. */
function readKnownOption(head: ConnectionHead, bytes: Buffer, from: number, to: number): boolean {
  if (equalsIgnoringCase(bytes, from, to, 'close')) head.closes = true
  else if (equalsIgnoringCase(bytes, from, to, 'keep-alive')) head.keepsAlive = true
  else if (equalsIgnoringCase(bytes, from, to, 'upgrade')) head.drops.upgrades = true
  else return false
  return true
}

function mayNominate(id: FieldId, isRequest: boolean): boolean {
  if (isRequest) return id === FIELD.unknown
  return id !== FIELD.contentLength && id !== FIELD.transferEncoding
}

function isDroppedAnyway(id: FieldId): boolean {
  const isTrace = id === FIELD.traceparent || id === FIELD.tracestate
  return isTrace || id === FIELD.hopByHop || id === FIELD.upgrade || id === FIELD.keepAlive
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

import { NAME } from './bytes.ts'
import { isFolded } from './destination.ts'
import { FIELD, type FieldId, fieldId } from './field-names.ts'

/** What is done with a trailer line. */
export const FORWARDED = 0
export const LEFT_OUT = 1
/** The body is malformed. */
export const FORBIDDEN = 2
export type Verdict = typeof FORWARDED | typeof LEFT_OUT | typeof FORBIDDEN

/** Longer than any known name. Of a longer name the first bytes are compared, with the known prefixes. */
const MAX_KNOWN_BYTES = 63

/** The name of the current trailer line. */
export class TrailerLine {
  #length = 0
  #isOdd = false
  readonly #name = new Uint8Array(MAX_KNOWN_BYTES)

  readonly #replaced: readonly Uint8Array[]

  /** @param replaced folded names, shorter than 64 bytes, of fields that the sidecar sets: a request may not have them. */
  constructor(replaced: readonly Uint8Array[] = []) {
    this.#replaced = replaced
  }

  reset(): void {
    this.#length = 0
    this.#isOdd = false
  }

  /** @returns false for a byte that is not allowed in a name. */
  add(byte: number): boolean {
    const kind = NAME[byte] as number
    if (this.#length < MAX_KNOWN_BYTES) this.#name[this.#length] = byte
    this.#length += 1
    this.#isOdd ||= kind > 1
    return kind > 0
  }

  /**
   * A trailer must not carry a field that belongs into the head, or says who sends a request or where it comes from
   * (RFC 9110 section 6.5.1). In a request it is malformed. In a response it is left out, because the upstream has
   * already done the work. Odd names are left out of requests, as in a head.
   */
  verdict(isResponse: boolean): Verdict {
    if (this.#length === 0) return FORBIDDEN
    const id = fieldId(this.#name, 0, Math.min(this.#length, MAX_KNOWN_BYTES))
    if (isResponse) return isReserved(id) ? LEFT_OUT : FORWARDED
    if (this.#isReplaced) return FORBIDDEN
    if (isReserved(id) || id === FIELD.dropped || isCredential(id)) return FORBIDDEN
    return this.#isOdd ? LEFT_OUT : FORWARDED
  }

  get #isReplaced(): boolean {
    return this.#replaced.some((name) => name.length === this.#length && isFolded(name, this.#name, 0))
  }
}

function isReserved(id: FieldId): boolean {
  return (
    id !== FIELD.unknown && id !== FIELD.dropped && id !== FIELD.date && !isCredential(id) && !isTrace(id)
  )
}

function isCredential(id: FieldId): boolean {
  return id === FIELD.credentials || id === FIELD.authorization
}

/** Nothing reads a trace from a trailer. */
function isTrace(id: FieldId): boolean {
  return id === FIELD.traceparent || id === FIELD.tracestate
}

import { FIELD } from './field-names.ts'
import { Fields, nameEnd } from './fields.ts'
import { Drops } from './hop-by-hop.ts'

/** Why a request is not forwarded. Made once for each reason, so that a refusal costs little. */
export interface Refusal {
  readonly kind: 'malformed' | 'too many fields' | 'upgrade'
  /** Completes "the request cannot be forwarded: …". */
  readonly reason: string
}

export function malformed(reason: string): Refusal {
  return Object.freeze({ kind: 'malformed', reason })
}

export function tooManyFields(maxFields: number): Refusal {
  return Object.freeze({ kind: 'too many fields', reason: `it has more than ${maxFields} fields` })
}

/** WebSocket and CONNECT: the bytes after it would not be HTTP/1.1. */
export const UPGRADE: Refusal = Object.freeze({
  kind: 'upgrade',
  reason: 'it asks for another protocol',
})

/** The result of parsing a head that is refused; the reason is in `RequestHead.refusal`. */
export const REFUSED = -100

const NO_REFUSAL = malformed('')
const NO_NAMES: ReadonlySet<string> = new Set()
const NO_FIELDS: readonly Uint8Array[] = []

/**
 * A parsed request head: positions in the bytes that were parsed, valid as long as those bytes are. Reused for one
 * request after the other.
 */
export class RequestHead {
  method = ''
  /** Minor version: HTTP/1.0 or HTTP/1.1. */
  minor = 1
  /** Origin form: from the slash (or the asterisk of `OPTIONS *`) to before the space. */
  targetStart = 0
  /** Before the question mark, or the end of the target. */
  pathEnd = 0
  targetEnd = 0
  /** Of an absolute-form target; both 0 in other forms. */
  authorityStart = 0
  authorityEnd = 0
  /** The path of an absolute-form target that has none: `/`, or `*` for OPTIONS; else empty. */
  impliedPath: '' | '/' | '*' = ''
  /** Past the request line's CRLF. */
  fieldsStart = 0
  /** Past the empty line. */
  end = 0
  /** -1: none was given. */
  contentLength = -1
  chunked = false
  /** `Connection: close` and `Connection: keep-alive` were given. */
  closes = false
  keepsAlive = false
  hasHost = false
  expectsContinue = false
  /** Where the line of a valid request id begins; -1: there is none. */
  requestIdStart = -1
  /** From `X-Prometheus-Scrape-Timeout-Seconds`; 0: none. */
  scrapeTimeoutMs = 0
  /** Of OPTIONS and TRACE (RFC 9110 section 7.6.2); -1: none was given, or another method. */
  maxForwards = -1
  /** The lines that are dropped. */
  readonly drops = new Drops()
  readonly fields = new Fields()
  /** Folded names of the fields that the sidecar sets itself: those of the client are dropped. */
  replaced = NO_FIELDS
  refusal: Refusal = NO_REFUSAL
  #passFields = NO_NAMES

  /** Whether the client wants to keep the connection (RFC 9112 section 9.3). */
  get persistent(): boolean {
    return !this.closes && (this.minor === 1 || this.keepsAlive)
  }

  /** Hop-by-hop fields end at the sidecar, and it alone says where a request came from. */
  isDropped(index: number, bytes: Buffer): boolean {
    switch (this.fields.id(index)) {
      case FIELD.connection:
      case FIELD.keepAlive:
      case FIELD.hopByHop:
      case FIELD.upgrade:
        return true
      case FIELD.dropped:
      case FIELD.oddName:
        return !this.#isPassed(index, bytes)
      case FIELD.requestId:
        return this.fields.lineStart(index) !== this.requestIdStart
      case FIELD.expect:
        return this.minor === 0
      case FIELD.maxForwards:
        return this.maxForwards >= 0
      default:
        return false
    }
  }

  refuse(refusal: Refusal): typeof REFUSED {
    this.refusal = refusal
    return REFUSED
  }

  /**
   * @param passFields names in lower case of fields that are not dropped for their name.
   * @param replaced folded names of fields that are dropped, because the sidecar sets them.
   */
  reset(passFields = NO_NAMES, replaced = NO_FIELDS): void {
    this.contentLength = -1
    this.chunked = false
    this.closes = false
    this.keepsAlive = false
    this.hasHost = false
    this.expectsContinue = false
    this.requestIdStart = -1
    this.scrapeTimeoutMs = 0
    this.maxForwards = -1
    this.drops.clear()
    this.refusal = NO_REFUSAL
    this.#passFields = passFields
    this.replaced = replaced
  }

  #isPassed(index: number, bytes: Buffer): boolean {
    if (this.#passFields.size === 0) return false
    const start = this.fields.lineStart(index)
    return this.#passFields.has(bytes.toString('latin1', start, nameEnd(bytes, start)).toLowerCase())
  }
}

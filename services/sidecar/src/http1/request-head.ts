import { FIELD } from './field-names.ts'
import { Fields, nameEnd } from './fields.ts'
import { Drops } from './hop-by-hop.ts'

/** Why a request is not forwarded. Made once for each reason, so that a refusal costs little. */
export interface Refusal {
  readonly kind: 'malformed' | 'too many fields' | 'upgrade' | 'expectation'
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

/** The only expectation that there is, is 100-continue; any other may get a 417 (RFC 9110 section 10.1.1). */
export const EXPECTATION: Refusal = Object.freeze({
  kind: 'expectation',
  reason: 'its Expect is not 100-continue',
})

/** The result of parsing a head that is refused; the reason is in `RequestHead.refusal`. */
export const REFUSED = -100

const NO_REFUSAL = malformed('')
const NO_NAMES: ReadonlySet<string> = new Set()
const NO_FIELDS: readonly Uint8Array[] = []

const NOTHING = Buffer.alloc(0)

/** The path and query of a request, as the rules see them. */
export class RequestTarget {
  /** The path in its normal form: `path[from, to)`. */
  path: Buffer = NOTHING
  from = 0
  to = 0
  hasEncodedSlash = false
  /** Where the first and the last `%2F` are, counted as `from`; without one they mean nothing. */
  firstEncodedSlash = 0
  lastEncodedSlash = 0
  /** The query with its question mark, `query[queryFrom, queryTo)`; empty without one. */
  query: Buffer = NOTHING
  queryFrom = 0
  queryTo = 0

  /** Lets go of the bytes. */
  clear(): void {
    this.path = NOTHING
    this.query = NOTHING
  }
}

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
  /** Of an absolute-form target, or of CONNECT; both 0 in other forms. */
  authorityStart = 0
  authorityEnd = 0
  /** The path of an absolute-form target that has none: `/`, or `*` for OPTIONS; else empty. */
  impliedPath: '' | '/' | '*' = ''
  /** What `examinePath` says about the path. */
  pathBits = 0
  /** The path in its normal form if it was sent in another one, else null. This is what rules see and the upstream gets. */
  normalPath: Buffer | null = null
  /** Reused, and filled for the rules. */
  readonly target = new RequestTarget()
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
  /** The value of `Host`; both 0 without it. */
  hostStart = 0
  hostEnd = 0
  expectsContinue = false
  /** Where the line of a valid request id begins; -1: there is none. */
  requestIdStart = -1
  /** Its value. */
  requestIdFrom = 0
  requestIdTo = 0
  /** Lines of `traceparent`. */
  traceparents = 0
  /** The value of `Authorization`; `authorizationStart` -1: there is none. */
  authorizationStart = -1
  authorizationEnd = -1
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
  /** A rule of the route has `upgrade`: whether a WebSocket is one of its requests is for the rules to say. */
  mayUpgrade = false
  #passFields = NO_NAMES
  #isAuthorizationWithheld = false

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
      case FIELD.traceparent:
      case FIELD.tracestate:
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
      case FIELD.authorization:
        return this.#isAuthorizationWithheld
      default:
        return false
    }
  }

  /** `Authorization` was for the sidecar: it is not forwarded. */
  withholdAuthorization(bytes: Buffer): void {
    if (this.authorizationStart < 0 || this.#isAuthorizationWithheld) return
    this.#isAuthorizationWithheld = true
    this.drops.collect(this, bytes)
  }

  refuse(refusal: Refusal): typeof REFUSED {
    this.refusal = refusal
    return REFUSED
  }

  /**
   * @param passFields names in lower case of fields that are not dropped for their name.
   * @param replaced folded names of fields that are dropped, because the sidecar sets them.
   */
  reset(passFields = NO_NAMES, replaced = NO_FIELDS, mayUpgrade = false): void {
    this.mayUpgrade = mayUpgrade
    this.pathBits = 0
    this.normalPath = null
    this.contentLength = -1
    this.chunked = false
    this.closes = false
    this.keepsAlive = false
    this.hasHost = false
    this.hostStart = 0
    this.hostEnd = 0
    this.expectsContinue = false
    this.requestIdStart = -1
    this.traceparents = 0
    this.scrapeTimeoutMs = 0
    this.maxForwards = -1
    this.authorizationStart = -1
    this.authorizationEnd = -1
    this.#isAuthorizationWithheld = false
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

import { Drops } from './drops.ts'
import { Fields } from './fields.ts'
import { badRequest, type Refusal } from './refusal.ts'

/** What parsing returns beside a position and `INCOMPLETE`; the reason is in `refusal`. */
export const REFUSED = -100

const NO_REFUSAL = badRequest('')

/**
 * What the relay knows of one request: positions in the bytes that were parsed, valid as long as those are.
 * Reused from request to request.
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
  /** Has a request id of its own that is fit to be passed on. */
  hasRequestId = false
  /** From `X-Prometheus-Scrape-Timeout-Seconds`; 0: none. */
  scrapeTimeoutMs = 0
  /** Lines that are not forwarded. */
  readonly drops = new Drops()
  readonly fields = new Fields()
  refusal: Refusal = NO_REFUSAL

  /** Whether the client wants to keep the connection (RFC 9112 section 9.3). */
  get persistent(): boolean {
    return !this.closes && (this.minor === 1 || this.keepsAlive)
  }

  refuse(refusal: Refusal): typeof REFUSED {
    this.refusal = refusal
    return REFUSED
  }

  reset(): void {
    this.contentLength = -1
    this.chunked = false
    this.closes = false
    this.keepsAlive = false
    this.hasHost = false
    this.expectsContinue = false
    this.hasRequestId = false
    this.scrapeTimeoutMs = 0
    this.drops.clear()
    this.refusal = NO_REFUSAL
  }
}

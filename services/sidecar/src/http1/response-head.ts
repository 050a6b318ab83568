import { FIELD } from './field-names.ts'
import { Fields } from './fields.ts'
import { Drops } from './hop-by-hop.ts'

const CHUNKED = Buffer.from('Transfer-Encoding: chunked\r\n')

/** Whether a response has no body whatever its fields say (RFC 9112 section 6.3). */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || status < 200
}

/** What the relay knows of one response head; reused, and valid as long as the bytes that were parsed. */
export class ResponseHead {
  status = 0
  /** Minor version: HTTP/1.0 or HTTP/1.1. */
  minor = 1
  /** Past the status line's CRLF. */
  fieldsStart = 0
  /** Past the empty line. */
  end = 0
  /** Of the client that the response is for. HTTP/1.0 knows no Transfer-Encoding. */
  clientMinor = 1
  /** Has no body whatever its fields say. */
  isBodiless = false
  /** -1: none was given, or one that does not matter and is not valid. */
  contentLength = -1
  chunked = false
  /** Has Transfer-Encoding, perhaps an invalid one that does not matter. */
  hasTransferEncoding = false
  /** The framing field has white space or zeros that clients may read otherwise: the relay writes one of its own. */
  isReframed = false
  /** `Connection: close` and `Connection: keep-alive` were given. */
  closes = false
  keepsAlive = false
  /** Seconds from `Keep-Alive: timeout=N`; -1: not given. */
  keepAliveSeconds = -1
  /** Where its Date stands; -1: it has none. */
  dateStart = -1
  /** Lines that are not forwarded. */
  readonly drops = new Drops()
  readonly fields = new Fields()
  /** What is wrong with it, in words; empty while nothing is. */
  fault = ''

  /** Whether the upstream keeps the connection (RFC 9112 section 9.3). */
  get persistent(): boolean {
    return !this.closes && (this.minor === 1 || this.keepsAlive)
  }

  /** Whether the end of the response can be told from the end of the connection. */
  get isDelimited(): boolean {
    return this.contentLength >= 0 || this.chunked || this.isBodiless
  }

  /**
   * Whether the server may send a body after a response that must not have one: what it announces may come, and would
   * be read as the next response.
   */
  mayBeFollowedByBody(method: string): boolean {
    if (!this.isBodiless) return false
    if (this.hasTransferEncoding || this.contentLength > 0) return true
    return method === 'HEAD' && this.contentLength < 0
  }

  isDropped(index: number): boolean {
    switch (this.fields.id(index)) {
      case FIELD.connection:
      case FIELD.keepAlive:
      case FIELD.hopByHop:
      case FIELD.upgrade:
      case FIELD.oddFraming:
        return true
      case FIELD.contentLength:
        return !this.mayFrame || this.isReframed || this.contentLength < 0
      case FIELD.transferEncoding:
        return !this.mayFrame || this.isReframed || !this.chunked || this.clientMinor === 0
      default:
        return false
    }
  }

  /** Whether it may have Content-Length or Transfer-Encoding (RFC 9110 section 8.6, RFC 9112 section 6.1). */
  get mayFrame(): boolean {
    return this.status >= 200 && this.status !== 204
  }

  /** The framing field that the relay writes in the place of the server's; null: that one is forwarded, or none is. */
  get framingLine(): Buffer | null {
    if (!this.isReframed || !this.mayFrame) return null
    if (this.chunked) return this.clientMinor === 0 ? null : CHUNKED
    return this.contentLength < 0 ? null : Buffer.from(`Content-Length: ${this.contentLength}\r\n`)
  }

  reset(): void {
    this.isBodiless = false
    this.contentLength = -1
    this.chunked = false
    this.hasTransferEncoding = false
    this.isReframed = false
    this.closes = false
    this.keepsAlive = false
    this.keepAliveSeconds = -1
    this.dateStart = -1
    this.drops.clear()
    this.fault = ''
  }
}

import { FIELD } from './field-names.ts'
import { Fields } from './fields.ts'
import { Drops } from './hop-by-hop.ts'

const CHUNKED = Buffer.from('Transfer-Encoding: chunked\r\n')

/** Whether a response has no body whatever its fields say (RFC 9112 section 6.3). */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || status < 200
}

/** A parsed response head: positions in the bytes that were parsed, valid as long as those bytes are. Reused. */
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
  /** -1: none was given, or an invalid one in a response without a body. */
  contentLength = -1
  chunked = false
  /** Has Transfer-Encoding; perhaps an invalid one, in a response without a body. */
  hasTransferEncoding = false
  /** The framing field has white space or zeros that clients may read differently: the relay writes its own field. */
  isReframed = false
  /** `Connection: close` and `Connection: keep-alive` were given. */
  closes = false
  keepsAlive = false
  /** Seconds from `Keep-Alive: timeout=N`; -1: not given. */
  keepAliveSeconds = -1
  /** Where the `Date` line begins; -1: there is none. */
  dateStart = -1
  /** The lines that are dropped. */
  readonly drops = new Drops()
  readonly fields = new Fields()
  /** What is wrong with the head, in words; empty: nothing. */
  fault = ''

  /** Whether the upstream keeps the connection (RFC 9112 section 9.3). */
  get persistent(): boolean {
    return !this.closes && (this.minor === 1 || this.keepsAlive)
  }

  /** Whether the response says where it ends; otherwise it ends with the connection. */
  get isDelimited(): boolean {
    return this.contentLength >= 0 || this.chunked || this.isBodiless
  }

  /**
   * Whether the server may send a body after a response that must not have one. Such a body would be read as the next
   * response.
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

  /** The framing field that the relay writes instead of that of the server; null: none. */
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

import { Drops } from './drops.ts'
import { FIELD } from './field-ids.ts'
import { Fields } from './fields.ts'

/** Whether a response has no body whatever its fields say (RFC 9112 section 6.3). */
export function hasNoBody(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304
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
  /** -1: none was given. */
  contentLength = -1
  chunked = false
  /** `Connection: close` and `Connection: keep-alive` were given. */
  closes = false
  keepsAlive = false
  /** Seconds from `Keep-Alive: timeout=N`; -1: not given. */
  keepAliveSeconds = -1
  /** Lines that are not forwarded. */
  readonly drops = new Drops()
  readonly fields = new Fields()
  /** What is wrong with it, in words; empty while nothing is. */
  fault = ''

  /** Whether the upstream keeps the connection (RFC 9112 section 9.3). */
  get persistent(): boolean {
    return !this.closes && (this.minor === 1 || this.keepsAlive)
  }

  /** Whether the end of an answer to `method` can be told from the end of the connection. */
  isDelimited(method: string): boolean {
    return this.contentLength >= 0 || this.chunked || hasNoBody(method, this.status)
  }

  /** For a client that knows no chunks. */
  dropTransferEncoding(): void {
    const { fields, drops } = this
    for (let i = 0; i < fields.count; i++)
      if (fields.id(i) === FIELD.transferEncoding) drops.add(fields.lineStart(i), fields.lineEnd(i))
  }

  reset(): void {
    this.contentLength = -1
    this.chunked = false
    this.closes = false
    this.keepsAlive = false
    this.keepAliveSeconds = -1
    this.drops.clear()
    this.fault = ''
  }
}

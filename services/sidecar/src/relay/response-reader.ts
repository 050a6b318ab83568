import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { BodyFraming } from '../http1/body-framing.ts'
import { BROKEN } from '../http1/chunked.ts'
import { INCOMPLETE, TOO_MANY_FIELDS } from '../http1/fields.ts'
import { MALFORMED, parseResponseHead } from '../http1/parse-response-head.ts'
import { PartialHead } from '../http1/partial-head.ts'
import { ResponseHead } from '../http1/response-head.ts'
import { HEADROOM } from '../http1/rewrite-response.ts'
import { closedBeforeHead, cutInBody, notHttp, tooLarge, tooManyFields } from './relay-failures.ts'
import type { ResponseTaker } from './response-taker.ts'

const MAX_INTERIM = 32

export interface ResponseLimits {
  readonly responseHeadBytes: number
  readonly responseBytes: number
  readonly fields: number
}

/** Reads the responses of one upstream connection from its bytes, and passes them to the taker as they came. */
export class ResponseReader {
  readonly #name: string
  readonly #limits: ResponseLimits
  readonly #framing = new BodyFraming('server')
  /** Reused: valid until the next head is parsed. */
  readonly #head = new ResponseHead()
  /** The beginning of a head that is not whole yet, with `HEADROOM` before it. */
  #partial: PartialHead | null = null
  #hasHead = false
  #interims = 0
  /** The response allows the connection to be used again. */
  isReusable = false
  /** How long the upstream keeps an idle connection, as it announced; -1: it did not. */
  keepAliveSeconds = -1

  /** The bytes after a head that has switched protocols; null: none has. */
  rest: Buffer | null = null

  /** @param name of the upstream, for messages. */
  constructor(name: string, limits: ResponseLimits) {
    this.#name = name
    this.#limits = limits
  }

  /** Before each response. */
  start(): void {
    this.#partial = null
    this.#hasHead = false
    this.#interims = 0
  }

  /** The response is whole. */
  get isDone(): boolean {
    return this.#hasHead && this.#framing.done
  }

  /** At least one byte of the response has come. */
  get hasBegun(): boolean {
    return this.#hasHead || this.#partial !== null || this.#interims > 0
  }

  /**
   * Takes the next bytes, `bytes[start, end)`. At least `HEADROOM` bytes before `start` may be overwritten.
   * @returns the failure of the response, or null.
   */
  read(bytes: Buffer, start: number, end: number, taker: ResponseTaker): Failure | null {
    if (this.#hasHead) return this.#readBody(bytes, start, end, taker)
    if (this.#partial === null) return this.#readHead(bytes, start, end, taker)
    return this.#readOn(this.#partial, bytes, start, end, taker)
  }

  /** The connection has ended. @returns a failure, or null where the body ends with the connection. */
  end(cause?: Error): Failure | null {
    if (!this.#hasHead) return closedBeforeHead(this.#name, cause)
    if (this.#framing.endsWithConnection && cause === undefined) return null
    return cutInBody(this.#name, this.#framing.bytes, cause)
  }

  #readOn(
    partial: PartialHead,
    bytes: Buffer,
    start: number,
    end: number,
    taker: ResponseTaker,
  ): Failure | null {
    const isWorthwhile = partial.append(bytes, start, end)
    if (!isWorthwhile && partial.length <= this.#limits.responseHeadBytes) return null
    this.#partial = null
    const joined = partial.bytes
    const failure = this.#readHead(joined, HEADROOM, joined.length, taker, partial)
    return failure
  }

  /** @param partial the buffer of `bytes`, kept while the head is not whole */
  #readHead(
    bytes: Buffer,
    start: number,
    end: number,
    taker: ResponseTaker,
    partial: PartialHead | null = null,
  ): Failure | null {
    const { responseHeadBytes, fields } = this.#limits
    const position = parseResponseHead(this.#head, bytes, start, end, taker, fields)
    const length = (position === INCOMPLETE ? end : position) - start
    if (position === MALFORMED) return notHttp(this.#name, this.#head.fault)
    if (position === TOO_MANY_FIELDS) return tooManyFields(this.#name, fields)
    if (length > responseHeadBytes) return tooLarge(this.#name, 'response head', responseHeadBytes)
    if (position === INCOMPLETE) return this.#keepPartial(partial, bytes, start, end)
    if (this.#head.status < 200) return this.#readInterim(bytes, start, position, end, taker)
    return this.#startBody(bytes, start, position, end, taker)
  }

  #keepPartial(partial: PartialHead | null, bytes: Buffer, start: number, end: number): null {
    if (start < end) this.#partial = partial ?? new PartialHead(bytes, start, end, HEADROOM)
    return null
  }

  #readInterim(
    bytes: Buffer,
    start: number,
    position: number,
    end: number,
    taker: ResponseTaker,
  ): Failure | null {
    this.#interims += 1
    if (this.#head.status === 101) return this.#readSwitch(bytes, start, position, end, taker)
    if (this.#interims > MAX_INTERIM) return notHttp(this.#name, 'it sends interim responses without end')
    taker.takeInterim(this.#head, bytes, start, position)
    return this.#readHead(bytes, position, end, taker)
  }

  #readSwitch(
    bytes: Buffer,
    start: number,
    position: number,
    end: number,
    taker: ResponseTaker,
  ): Failure | null {
    const fault = taker.takeSwitch(this.#head, bytes, start, position)
    if (fault !== null) return notHttp(this.#name, fault)
    this.rest = Buffer.from(bytes.subarray(position, end))
    return null
  }

  #startBody(
    bytes: Buffer,
    start: number,
    position: number,
    end: number,
    taker: ResponseTaker,
  ): Failure | null {
    const responseBytes = this.#mostBytes(taker)
    this.#framing.startResponse(this.#head)
    if (this.#head.contentLength > responseBytes && !this.#framing.done)
      return tooLarge(this.#name, 'response', responseBytes)
    const bodyEnd = this.#framing.advance(bytes, position, end)
    if (bodyEnd === BROKEN) return notHttp(this.#name, 'its chunked coding is broken')
    if (this.#framing.bytes > responseBytes) return tooLarge(this.#name, 'response', responseBytes)
    this.#hasHead = true
    this.isReusable =
      this.#head.persistent && bodyEnd === end && !this.#head.mayBeFollowedByBody(taker.method)
    this.keepAliveSeconds = this.#head.keepAliveSeconds
    const { pieces } = this.#framing
    taker.takeHead(this.#head, bytes, start, pieces === null ? bodyEnd : position)
    if (pieces !== null) takePieces(pieces, taker)
    return null
  }

  #mostBytes({ isUnbounded }: ResponseTaker): number {
    return isUnbounded ? Number.POSITIVE_INFINITY : this.#limits.responseBytes
  }

  #readBody(bytes: Buffer, start: number, end: number, taker: ResponseTaker): Failure | null {
    const responseBytes = this.#mostBytes(taker)
    const position = this.#framing.advance(bytes, start, end)
    if (position === BROKEN) return notHttp(this.#name, 'its chunked coding is broken')
    if (this.#framing.bytes > responseBytes) return tooLarge(this.#name, 'response', responseBytes)
    if (position < end) this.isReusable = false
    const { pieces } = this.#framing
    if (pieces === null) taker.takeBody(bytes, start, position)
    else takePieces(pieces, taker)
    return null
  }
}

/** Joined, because each piece would cost a write of its own. */
function takePieces(pieces: readonly Buffer[], taker: ResponseTaker): void {
  const bytes = Buffer.concat(pieces)
  if (bytes.length > 0) taker.takeBody(bytes, 0, bytes.length)
}

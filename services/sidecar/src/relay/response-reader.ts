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

/** Reads one response after the other from the bytes of an upstream connection and hands them on as they came. */
export class ResponseReader {
  readonly #name: string
  readonly #limits: ResponseLimits
  readonly #framing = new BodyFraming('server')
  /** Valid from one parse to the next, which is as long as anybody looks at it. */
  readonly #head = new ResponseHead()
  /** The start of a head whose rest is to come, with room before it. */
  #partial: PartialHead | null = null
  #hasHead = false
  #interims = 0
  /** Whether the connection may be used again, as far as the response says. */
  isReusable = false
  /** What the upstream announced that it keeps an idle connection for; -1: nothing. */
  keepAliveSeconds = -1

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

  /** A byte of the response was seen. */
  get hasBegun(): boolean {
    return this.#hasHead || this.#partial !== null || this.#interims > 0
  }

  /**
   * Takes the next bytes, which have `HEADROOM` bytes before them that may be overwritten.
   * @returns what is wrong with the response, or null.
   */
  read(bytes: Buffer, start: number, end: number, taker: ResponseTaker): Failure | null {
    if (this.#hasHead) return this.#readBody(bytes, start, end, taker)
    if (this.#partial === null) return this.#readHead(bytes, start, end, taker)
    return this.#readOn(this.#partial, bytes, start, end, taker)
  }

  /** What the end of the connection means: a failure, or null where the body ends with it. */
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

  /** @param partial what `bytes` are of, to be kept while the head is not whole */
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
    if (this.#head.status === 101) return notHttp(this.#name, 'it switches protocols, which nobody asked for')
    if (this.#interims > MAX_INTERIM) return notHttp(this.#name, 'it sends interim responses without end')
    taker.takeInterim(this.#head, bytes, start, position)
    return this.#readHead(bytes, position, end, taker)
  }

  #startBody(
    bytes: Buffer,
    start: number,
    position: number,
    end: number,
    taker: ResponseTaker,
  ): Failure | null {
    const { responseBytes } = this.#limits
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

  #readBody(bytes: Buffer, start: number, end: number, taker: ResponseTaker): Failure | null {
    const { responseBytes } = this.#limits
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

/** In one piece, for each costs a write of its own. */
function takePieces(pieces: readonly Buffer[], taker: ResponseTaker): void {
  const bytes = Buffer.concat(pieces)
  if (bytes.length > 0) taker.takeBody(bytes, 0, bytes.length)
}

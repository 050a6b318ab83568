import { statusOf } from '@uds-sidecar/shared/failure/failures'
import { ChunkedFraming } from '../http1/chunked.ts'
import type { RequestHead } from '../http1/request-head.ts'
import { hasNoBody, type ResponseHead } from '../http1/response-head.ts'
import { type DateLine, rewriteResponse } from '../http1/rewrite-response.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { Refused } from '../policy/admission.ts'
import type { ClientSocket } from './client-socket.ts'
import type { ResponseBuffer } from './connection-limits.ts'
import type { HttpRelay } from './http-relay.ts'
import { BUFFERS, LARGE_BYTES, type LargeBuffer } from './large-buffers.ts'
import type { Moments } from './moments.ts'
import { problemResponse } from './problem-response.ts'
import type { ResponseSource } from './response-taker.ts'

const CLOSE = Buffer.from('Connection: close\r\n')
const CHUNKED = Buffer.from('Transfer-Encoding: chunked\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const CRLF = Buffer.from('\r\n')
const KEEP_ALIVE = Buffer.from('Connection: keep-alive\r\n')

/** The status that is counted when the client left before its response; nginx uses the same number. */
const CLIENT_LEFT = 499

/** Writes one response to the client: that of the upstream as it comes, or a problem. Each is counted once. */
export class ResponseSender {
  method = 'GET'
  /** Minor version of the client. */
  minor = 1
  /** This request and its response allow another request on the connection. */
  persistent = false
  /** The client's socket has not taken all that was written, and still uses lent bytes. */
  isFull = false
  /** The upstream connection waits for the client: the response buffer has no room. */
  isPaused = false
  readonly #client: ClientSocket
  readonly #counters: RouteCounters
  readonly #buffer: ResponseBuffer
  readonly #date: DateLine
  readonly #moments: Moments
  #source: ResponseSource | null = null
  #status = 0
  /** What this response uses of the response buffer, until the client's socket has taken everything. */
  #lent: LargeBuffer[] = []
  /** Removes the chunked coding for a client of HTTP/1.0. */
  #decoder: ChunkedFraming | null = null
  /** Adds the chunked coding to a response that would end with its connection. */
  #isChunking = false
  /** A connection over TCP can be reset; on a Unix socket the client sees every end as a clean one. */
  readonly #canReset: boolean

  constructor(client: ClientSocket, { counters, responseBuffer, date, route }: HttpRelay, moments: Moments) {
    this.#moments = moments
    this.#canReset = route.listen.kind === 'tcp'
    this.#client = client
    this.#counters = counters
    this.#buffer = responseBuffer
    this.#date = date
  }

  start({ method, minor, persistent }: RequestHead): void {
    this.method = method
    this.persistent = persistent
    this.minor = minor
    this.isPaused = false
    this.#status = 0
    this.#decoder = null
    this.#isChunking = false
  }

  /** 0 until a head was written. */
  get status(): number {
    return this.#status
  }

  /** The head was forwarded: a problem response is not possible any more. */
  get hasBegun(): boolean {
    return this.#status !== 0
  }

  /** Sets the connection that the response comes from, which is paused for a slow client; null: it has come whole. */
  follow(source: ResponseSource | null): void {
    this.#source = source
    this.isPaused = false
  }

  takeInterim(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    if (this.minor === 0) return
    const copy = Buffer.allocUnsafe(end)
    bytes.copy(copy, start, start, end)
    this.#client.write(copy.subarray(rewriteResponse(copy, start, head, null), end))
  }

  /** Passes on a 101. @param lines for this connection, in the place of those that the upstream sent for its own */
  takeSwitch(head: ResponseHead, bytes: Buffer, start: number, end: number, lines: Buffer): void {
    const copy = Buffer.allocUnsafe(end)
    bytes.copy(copy, start, start, end)
    this.#hasHead(head.status)
    this.#client.write(copy.subarray(rewriteResponse(copy, start, head, lines), end))
  }

  /** @param mayPersist the client connection allows another request. */
  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number, mayPersist: boolean): void {
    const mustDecode = head.chunked && this.minor === 0 && !hasNoBody(this.method, head.status)
    this.#hasHead(head.status)
    this.#isChunking = !head.isDelimited && this.minor === 1 && !this.#canReset
    this.persistent &&= mayPersist && !mustDecode && (head.isDelimited || this.#isChunking)
    if (mustDecode) this.#decoder = new ChunkedFraming('server')
    if (mustDecode || this.#isChunking) this.#takeHeadRecoding(head, bytes, start, end)
    else this.#write(bytes, rewriteResponse(bytes, start, head, this.#insertion(head)), end)
  }

  /** The head of the final response is here. */
  #hasHead(status: number): void {
    const { respondedMs, sentMs } = this.#moments
    this.#status = status
    this.#counters.headLatencies.observe((respondedMs - sentMs) / 1_000)
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    if (this.#isChunking) this.#writeChunk(bytes, start, end)
    else if (this.#decoder === null) this.#write(bytes, start, end)
    else this.#takeDecoded(this.#decoder, bytes, start, end)
  }

  /** The response is whole. A chunked one that is cut never gets its last chunk, so that the client sees the cut. */
  complete(): void {
    if (this.#isChunking) this.#writeOwn(LAST_CHUNK)
    this.#isChunking = false
  }

  #writeChunk(bytes: Buffer, start: number, end: number): void {
    if (start === end) return
    const size = Buffer.from(`${(end - start).toString(16)}\r\n`)
    this.#write(Buffer.concat([size, bytes.subarray(start, end), CRLF]), 0)
  }

  /** Joins the data of all chunks into one write. */
  #takeDecoded(decoder: ChunkedFraming, bytes: Buffer, start: number, end: number): void {
    const data: Buffer[] = []
    decoder.advance(bytes, start, end, (from, to) => data.push(bytes.subarray(from, to)))
    const [first] = data
    if (data.length === 1 && first !== undefined) this.#write(first, 0, first.length)
    else if (data.length > 1) this.#write(Buffer.concat(data), 0)
  }

  /** The client's socket has taken the bytes that made it full, and perhaps all that was written since. */
  flushed(): void {
    this.isFull = this.#client.isFull
    if (this.isFull) return
    this.#releaseBuffer()
    this.isPaused = false
    this.#source?.resume()
  }

  /** Writes a problem as the whole response. */
  problem({ failure, allow, challenges }: Refused, mayPersist: boolean): void {
    this.persistent &&= mayPersist
    this.#status = statusOf(failure.code)
    this.#counters.fail(failure)
    const options = { connection: this.#connection(), headOnly: this.method === 'HEAD', allow, challenges }
    this.#writeOwn(problemResponse(failure, options))
  }

  /** Writes the whole response to `OPTIONS` with `Max-Forwards: 0`, which ends at the sidecar. */
  options(allow: string, mayPersist: boolean): void {
    this.persistent &&= mayPersist
    this.#status = 200
    const connection = this.#connectionLine() ?? ''
    const fields = `Allow: ${allow}\r\nContent-Length: 0\r\n${this.#date.now()}${connection}`
    this.#writeOwn(Buffer.from(`HTTP/1.1 200 OK\r\n${fields}\r\n`))
  }

  /** Writes a response of the sidecar itself; the next request waits until the client's socket has taken it. */
  #writeOwn(bytes: Buffer): void {
    this.#client.write(bytes)
    if (!this.#client.isFull) return
    this.isFull = true
    this.#client.whenFlushed()
  }

  /** Counts the response, complete or not. */
  end(): void {
    const status = this.#status === 0 ? CLIENT_LEFT : this.#status
    this.#counters.responded(this.method, status, this.#moments.nowMs() - this.#moments.startedMs)
    this.#source = null
    this.isPaused = false
    this.isFull = false
    this.#releaseBuffer()
  }

  #connection(): 'close' | 'keep-alive' | null {
    if (!this.persistent) return 'close'
    return this.minor === 0 ? 'keep-alive' : null
  }

  #connectionLine(): Buffer | null {
    const connection = this.#connection()
    if (connection === null) return null
    return connection === 'close' ? CLOSE : KEEP_ALIVE
  }

  /** The lines that the relay adds to the head. */
  #insertion(head: ResponseHead): Buffer | null {
    const connection = this.#connectionLine()
    if (connection === null && head.dateStart >= 0 && !this.#isChunking) return null
    const lines: Buffer[] = this.#isChunking ? [CHUNKED] : []
    if (connection !== null) lines.push(connection)
    if (head.dateStart < 0) lines.push(this.#date.now())
    const [line = null] = lines
    return lines.length > 1 ? Buffer.concat(lines) : line
  }

  /** The body begins in a write of its own, because its coding changes. */
  #takeHeadRecoding(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    const rest = Buffer.from(bytes.subarray(head.end, end))
    this.#write(bytes, rewriteResponse(bytes, start, head, this.#insertion(head)), head.end)
    this.takeBody(rest, 0, rest.length)
  }

  #write(bytes: Buffer, start: number, end = bytes.length): void {
    if (start === end) return
    this.#client.write(bytes.subarray(start, end))
    if (this.#client.isFull) this.#hold()
  }

  /**
   * The client reads slowly: its bytes stay in the response buffer while there is room; otherwise the upstream waits.
   */
  #hold(): void {
    this.isFull = true
    this.#client.whenFlushed()
    if (this.#source === null || this.isPaused || !this.#source.isLent) return
    if (this.#buffer.take(this.#client.peer, LARGE_BYTES)) {
      this.#lent.push(this.#source.leaveLent())
    } else {
      this.isPaused = true
      this.#source.pause()
    }
  }

  #releaseBuffer(): void {
    if (this.#lent.length === 0) return
    this.#buffer.release(this.#client.peer, this.#lent.length * LARGE_BYTES)
    if (!this.#client.isFull) for (const bytes of this.#lent) BUFFERS.giveBack(bytes)
    this.#lent = []
  }
}

import { connect, type Socket } from 'node:net'
import { nodeAddress } from '@uds-sidecar/shared/endpoint/node-address'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import { Timed } from '../time/deadlines.ts'
import type { AnswerSource, AnswerTaker } from './answer-taker.ts'
import { HEADROOM } from './head/rewrite-response.ts'
import { keepReadable } from './keep-readable.ts'
import { ResponseReader } from './response-reader.ts'
import { notConnected } from './upstream-failures.ts'
import type { UpstreamPool } from './upstream-pool.ts'

const READ_BYTES = 65_536

/** What a peer said before it closed its reading side is here already. */
const LAST_WORD_MS = 100

const CONNECTING = 0
const IDLE = 1
const BUSY = 2
const CLOSED = 3

/** One connection to the upstream, used for one request after the other. */
export class UpstreamConnection extends Timed implements AnswerSource {
  requestDone = false
  readonly #pool: UpstreamPool
  readonly #socket: Socket
  readonly #reader: ResponseReader
  #buffer = Buffer.allocUnsafeSlow(HEADROOM + READ_BYTES)
  #readInto = this.#buffer.subarray(HEADROOM)
  #state: number = CONNECTING
  #taker: AnswerTaker | null
  #isPaused = false
  /** It reads no more: what is left of the request is dropped. */
  #isDeaf = false
  /** Of the request under way. */
  #writes = 0
  #answers = 0

  constructor(pool: UpstreamPool, taker: AnswerTaker) {
    super()
    this.#pool = pool
    this.#taker = taker
    this.#reader = new ResponseReader(pool.name, pool.limits)
    const onread = { buffer: () => this.#readInto, callback: (count: number) => this.#read(count) }
    this.#socket = connect({ ...nodeAddress(pool.endpoint), onread })
      .once('connect', () => this.#connected())
      .on('drain', () => this.#taker?.requestDrained())
      .once('end', () => this.#ended())
      .on('error', (error) => this.#broken(error))
      .once('close', () => this.#ended())
    keepReadable(this.#socket, () => this.#cannotWrite())
    pool.deadlines.set(this, pool.timeoutsMs.connect)
  }

  /** It did not connect in time, had no last word, or nobody used it. */
  expire(): void {
    if (this.#state === CONNECTING) this.#fail(notConnected(this.#pool.name, this.#pool.timeoutsMs.connect))
    else if (this.#state === BUSY) this.#ended()
    else this.close()
  }

  /** Takes an idle connection into use. */
  use(taker: AnswerTaker): void {
    this.#taker = taker
    this.#begin(taker)
  }

  close(): void {
    if (this.#state === CLOSED) return
    this.#state = CLOSED
    this.#taker = null
    this.#pool.deadlines.clear(this)
    this.#socket.destroy()
    this.#pool.closed(this)
  }

  write(bytes: Buffer): boolean {
    this.#writes += 1
    return this.#isDeaf || this.#socket.write(bytes)
  }

  get isWriting(): boolean {
    return this.#socket.writableLength > 0
  }

  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  cancel(): void {
    this.close()
  }

  #connected(): void {
    if (this.#state !== CONNECTING || this.#taker === null) return
    this.#pool.connected()
    this.#begin(this.#taker)
  }

  #begin(taker: AnswerTaker): void {
    this.#pool.deadlines.clear(this)
    this.#state = BUSY
    this.requestDone = false
    this.#writes = 0
    this.#reader.start()
    taker.begin(this)
  }

  /** @returns whether to wait for an answer that was given before the request was read. */
  #cannotWrite(): boolean {
    const isWorthWaiting = this.#state === BUSY && !this.#isDeaf && this.#writes > 1
    if (isWorthWaiting) this.#pool.deadlines.set(this, LAST_WORD_MS)
    this.#isDeaf = true
    return isWorthWaiting
  }

  /** @returns whether to read on. */
  #read(count: number): boolean {
    if (this.#state === BUSY) this.#readAnswer(count, this.#taker as AnswerTaker)
    else this.close() // nobody asked
    return !this.#isPaused
  }

  #readAnswer(count: number, taker: AnswerTaker): void {
    const failure = this.#reader.read(this.#buffer, HEADROOM, HEADROOM + count, taker)
    if (failure !== null) this.#fail(failure)
    else if (this.#reader.isDone) this.#finish()
  }

  /** The answer is whole: the connection goes back to the pool before its taker asks for the next. */
  #finish(): void {
    const taker = this.#taker
    if (taker === null) return
    this.#pool.answered()
    if (this.#reader.isReusable && this.requestDone) this.#becomeIdle()
    else this.close()
    taker.finish()
  }

  #becomeIdle(): void {
    const { upstreamIdle } = this.#pool.timeoutsMs
    const announced = this.#reader.keepAliveSeconds
    this.#answers += 1
    this.#taker = null
    this.#state = IDLE
    if (this.#isPaused) this.#replaceBuffer()
    this.#pool.deadlines.set(this, announced < 0 ? upstreamIdle : Math.min(upstreamIdle, announced * 800))
    this.#pool.release(this)
  }

  /** The end of the answer is still being sent from the old one. */
  #replaceBuffer(): void {
    this.#buffer = Buffer.allocUnsafeSlow(HEADROOM + READ_BYTES)
    this.#readInto = this.#buffer.subarray(HEADROOM)
    this.resume()
  }

  #ended(error?: Error): void {
    if (this.#state === IDLE) this.close()
    if (this.#state !== BUSY) return
    const failure = this.#reader.end(error)
    if (failure === null) this.#finish()
    else this.#fail(failure)
  }

  #broken(error: Error): void {
    if (this.#state === CONNECTING) this.#pool.explain(error).then((failure) => this.#fail(failure))
    else this.#ended(error)
  }

  #fail(failure: Failure): void {
    if (this.#state === CLOSED) return
    const taker = this.#taker
    const isConnecting = this.#state === CONNECTING
    const isRetriable = this.#answers > 0 && failure.code === 'upstream_reset' && !this.#reader.hasBegun
    this.close()
    this.#pool.failed(failure, isConnecting)
    taker?.fail(failure, isRetriable)
  }
}

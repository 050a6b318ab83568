import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { AnswerSource, AnswerTaker } from '../answer-taker.ts'
import type { ResponseHead } from '../head/response-head.ts'
import type { UpstreamPool } from '../upstream-pool.ts'

/** Who shares an answer. */
export interface Member extends AnswerTaker {
  /** Takes answers from `source` without sending a request over it. */
  follow(source: AnswerSource): void
}

/** How far a member may be behind the fastest; the bytes are shared between those that are. */
const MAX_LAG_BYTES = 8_388_608

/** One request to the upstream, and those that wait for its answer. The fastest of them sets the pace. */
export class SharedAnswer implements AnswerTaker {
  readonly method = 'GET'
  readonly #pool: UpstreamPool
  readonly #request: Buffer
  readonly #onSettled: () => void
  readonly #shares = new Set<Share>()
  #source: AnswerSource | null = null
  #hasRetried = false

  /** @param onSettled called when nobody may join any more. */
  constructor(pool: UpstreamPool, request: Buffer, onSettled: () => void) {
    this.#pool = pool
    this.#request = request
    this.#onSettled = onSettled
  }

  add(member: Member): void {
    const share = new Share(member, this)
    this.#shares.add(share)
    member.follow(share)
  }

  begin(source: AnswerSource): void {
    if (this.#shares.size === 0) {
      source.cancel(this)
      return
    }
    this.#source = source
    source.requestDone = true
    source.write(this.#request)
  }

  takeInterim(): void {
    // An interim response is for one request; whether there is one is the server's choice.
  }

  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void {
    this.#onSettled()
    for (const { member } of this.#shares) {
      const copy = Buffer.allocUnsafe(end)
      bytes.copy(copy, start, start, end)
      member.takeHead(head, copy, start, end)
    }
  }

  takeBody(bytes: Buffer, start: number, end: number): void {
    const copy = Buffer.from(bytes.subarray(start, end))
    for (const share of this.#shares) share.takeBody(copy)
  }

  finish(): void {
    this.#source = null
    for (const { member } of this.#shares) member.finish()
  }

  fail(failure: Failure, isRetriable: boolean): void {
    this.#source = null
    const isTriedAgain = isRetriable && !this.#hasRetried && this.#shares.size > 0
    this.#hasRetried = true
    if (isTriedAgain && this.#pool.acquire(this, true)) return
    this.#onSettled()
    for (const { member } of this.#shares) member.fail(failure, false)
  }

  requestDrained(): void {
    // The request was sent whole.
  }

  /** One member does not want it any more. */
  leave(share: Share): void {
    this.#shares.delete(share)
    if (this.#shares.size > 0) this.paceChanged()
    else this.#giveUp()
  }

  /** Reads on while at least one member keeps up. */
  paceChanged(): void {
    const shares = [...this.#shares]
    if (shares.some(({ isFull }) => !isFull)) this.#source?.resume(this)
    else this.#source?.pause(this)
  }

  #giveUp(): void {
    this.#onSettled()
    if (this.#source === null) this.#pool.forget(this)
    else this.#source.cancel(this)
    this.#source = null
  }
}

/** What one member sees of the shared answer. */
class Share implements AnswerSource {
  requestDone = true
  readonly isWriting = false
  readonly member: Member
  isFull = false
  readonly #answer: SharedAnswer
  #lagBytes = 0

  constructor(member: Member, answer: SharedAnswer) {
    this.member = member
    this.#answer = answer
  }

  takeBody(bytes: Buffer): void {
    this.#lagBytes = this.isFull ? this.#lagBytes + bytes.length : 0
    if (this.#lagBytes > MAX_LAG_BYTES) this.#cut()
    else this.member.takeBody(bytes, 0, bytes.length)
  }

  pause(): void {
    this.isFull = true
    this.#answer.paceChanged()
  }

  resume(): void {
    this.isFull = false
    this.#answer.paceChanged()
  }

  cancel(): void {
    this.#answer.leave(this)
  }

  write(): boolean {
    return true
  }

  cork(): void {}

  uncork(): void {}

  #cut(): void {
    this.#answer.leave(this)
    this.member.fail(
      new Failure('client_timeout', {
        message: `the client is ${MAX_LAG_BYTES} bytes behind others that share its answer`,
        hint: 'read faster, or do not coalesce on this route',
      }),
      false,
    )
  }
}

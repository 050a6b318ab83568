import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { ResponseHead } from './head/response-head.ts'

/** Who waits for an answer. Buffers that it is given are only lent: their owner changes them after `pause` is over. */
export interface AnswerTaker {
  readonly method: string
  /** There is a connection: send the request. Called again when it is tried once more. */
  begin(source: AnswerSource): void
  /** A whole interim response (1xx). */
  takeInterim(bytes: Buffer, start: number, end: number): void
  /**
   * The final head, `bytes[start, head.end)`, and what came of the body with it, up to `end`. At least `HEADROOM`
   * bytes before `start` may be overwritten.
   */
  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void
  takeBody(bytes: Buffer, start: number, end: number): void
  /** The answer is complete, and the connection that it came over is not ours any more. */
  finish(): void
  /** @param isRetriable the connection had been used before and died without a byte of response. */
  fail(failure: Failure, isRetriable: boolean): void
  /** The upstream can take more of the request's body. */
  requestDrained(): void
}

/** Where an answer comes from. */
export interface AnswerSource {
  /** The whole request was sent; only then may the connection be used again. */
  requestDone: boolean
  /** @returns false when nothing more should be sent until `requestDrained`. */
  write(bytes: Buffer): boolean
  /** Bytes that were written are still in use. */
  readonly isWriting: boolean
  /** Several writes as one. */
  cork(): void
  uncork(): void
  /** The bytes that were lent last are still in use: no more until `resume`. */
  pause(taker: AnswerTaker): void
  resume(taker: AnswerTaker): void
  /** The answer is not wanted any more. */
  cancel(taker: AnswerTaker): void
}

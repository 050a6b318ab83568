import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { ResponseHead } from '../http1/response-head.ts'
import type { Peer } from './connection-limits.ts'

/** Who waits for a response. Buffers that it is given are only lent: their owner changes them after `pause` is over. */
export interface ResponseTaker {
  readonly method: string
  /** Minor version of its client. */
  readonly minor: number
  /** Whose request it is. */
  readonly peer: Peer
  /** The request is here whole, and waits for nobody once it has a connection. */
  readonly isRequestDone: boolean
  /** Must not go out on a connection that the upstream may be closing, for it cannot be sent again. */
  readonly needsFresh: boolean
  /** For how many milliseconds the upstream connection has waited for the client, as of `nowMs`; 0: it does not. */
  stalledMs(nowMs: number): number
  /** The client is too slow, and others need the connection: end it. */
  giveUpSlow(): void
  /** There is a connection: send the request. Called again when it is tried once more. */
  begin(source: ResponseSource): void
  /** A whole interim response (1xx), `bytes[start, end)`. */
  takeInterim(head: ResponseHead, bytes: Buffer, start: number, end: number): void
  /**
   * The final head, `bytes[start, head.end)`, and what came of the body with it, up to `end`. At least `HEADROOM`
   * bytes before `start` may be overwritten.
   */
  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void
  takeBody(bytes: Buffer, start: number, end: number): void
  /** The response is complete, and the connection that it came over is not ours any more. */
  finish(): void
  /** @param wasIdle the connection had served before, and gave no byte of a response now. */
  fail(failure: Failure, wasIdle: boolean): void
  /** The upstream can take more of the request's body. */
  requestDrained(): void
}

/** Where a response comes from. */
export interface ResponseSource {
  /** The bytes that are told of now are lent, and not left to anybody yet. */
  readonly isLent: boolean
  /** The whole request was sent; only then may the connection be used again. */
  requestSent(): void
  /** @returns false when nothing more should be sent until `requestDrained`. */
  write(bytes: Buffer): boolean
  /** Bytes that were written are still in use. */
  readonly isWriting: boolean
  /** Several writes as one. */
  cork(): void
  uncork(): void
  /** The bytes that were lent last are still in use: no more until `resume`. */
  pause(): void
  resume(): void
  /** The bytes that were lent last are still in use, and stay with who has them: read on all the same. */
  leaveLent(): void
  /** The response is not wanted any more. */
  cancel(): void
}

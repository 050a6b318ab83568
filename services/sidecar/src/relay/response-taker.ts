import type { Socket } from 'node:net'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { ResponseHead } from '../http1/response-head.ts'
import type { ClientSocket } from './client-socket.ts'
import type { Peer } from './connection-limits.ts'
import type { LargeBuffer } from './large-buffers.ts'
import type { DirectReading } from './stream-relay.ts'

/**
 * A request that waits for its response. The buffers that it gets are lent: their owner overwrites them with the next
 * read, unless the taker has called `pause` or `leaveLent`.
 */
export interface ResponseTaker {
  readonly method: string
  /** HTTP minor version of the client. */
  readonly minor: number
  /** The client that sent the request. */
  readonly peer: Peer
  /** The request was received whole, so that its client cannot hold up an upstream connection. */
  readonly isRequestDone: boolean
  /**
   * Needs a connection that was opened for it: the upstream may just close an idle one, and the request cannot be sent
   * twice.
   */
  readonly needsFresh: boolean
  /** Has an upstream connection of its own, beside those that requests share. */
  readonly isTunnel: boolean
  /** The response has no largest size. */
  readonly isUnbounded: boolean
  /** Milliseconds for which the upstream connection has waited for the client, as of `nowMs`; 0: it does not wait. */
  stalledMs(nowMs: number): number
  /** The client is too slow, and others need the connection: ends the request. */
  giveUpSlow(): void
  /** A connection is being opened for it. */
  dialled(): void
  /** A connection is ready: sends the request. Called again for a second attempt. */
  begin(source: ResponseSource): void
  /** A whole interim response (1xx), `bytes[start, end)`. */
  takeInterim(head: ResponseHead, bytes: Buffer, start: number, end: number): void
  /**
   * A whole head with status 101, `bytes[start, end)`. @returns what is wrong with it; null: it is right and was passed on,
   * and `switched` follows.
   */
  takeSwitch(head: ResponseHead, bytes: Buffer, start: number, end: number): string | null
  /** The bytes of the upstream are not HTTP any more. */
  switched(upstream: SwitchedUpstream): void
  /**
   * The final head, `bytes[start, head.end)`, and the first bytes of the body, up to `end`. At least `HEADROOM` bytes
   * before `start` may be overwritten.
   */
  takeHead(head: ResponseHead, bytes: Buffer, start: number, end: number): void
  takeBody(bytes: Buffer, start: number, end: number): void
  /** The response is complete, and its connection may already serve another request. */
  finish(): void
  /** @param wasIdle the connection had served a request before, and closed without one byte of this response. */
  fail(failure: Failure, wasIdle: boolean): void
  /** The upstream can take more of the request's body. */
  requestDrained(): void
}

/** The upstream connection, as a request sees it. */
export interface ResponseSource {
  /** The bytes of the current call are lent: they are overwritten after it, unless `pause` or `leaveLent` is called. */
  readonly isLent: boolean
  /** The whole request was sent; only then may the connection be used again. */
  requestSent(): void
  /** @returns false when nothing more should be sent until `requestDrained`. */
  write(bytes: Buffer): boolean
  /** The kernel has not taken all that was written, and the buffers are still in use. */
  readonly isWriting: boolean
  /** Joins the writes until `uncork` into one. */
  cork(): void
  uncork(): void
  /** The lent bytes are still in use: reads no more until `resume`. */
  pause(): void
  resume(): void
  /** Reads on with another buffer. @returns the lent one, which belongs to the caller now */
  leaveLent(): LargeBuffer
  /** Nobody wants the response any more. */
  cancel(): void
}

/** The client connection, as an exchange sees it. */
export interface ExchangeClient {
  readonly socket: ClientSocket
  /** Another request may follow on this connection. */
  readonly mayPersist: boolean
  /** The next step may take `ms` from now on. */
  allow(ms: number): void
  /** The response was written; with `keep` the next request may follow. */
  responded(keep: boolean): void
  /** The response has switched protocols. */
  switchProtocols(): SwitchedClient
}

/** The upstream connection of a request that has switched protocols. */
export interface SwitchedUpstream {
  /** Gives the socket away, which from now on reads into `reading`. */
  handOver(reading: DirectReading): Socket
  /** Bytes of the new protocol that came with the head. */
  readonly rest: Buffer
}

/** The client connection of a request that has switched protocols. */
export interface SwitchedClient {
  readonly socket: Socket
  /** Bytes that the client sent after its request. */
  readonly early: Buffer
}

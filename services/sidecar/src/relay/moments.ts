import type { Deadlines } from './deadlines.ts'

/**
 * When an exchange reached each of its steps, in milliseconds of the clock of the deadlines; 0: not yet. The metrics and the
 * access log say from them how long each step took.
 */
export class Moments {
  /** The head of the request was whole. */
  startedMs = 0
  /** It asked for an upstream connection, perhaps for the second time. */
  askedMs = 0
  /** A connection was dialled for it. */
  dialledMs = 0
  /** It has a connection, and begins to be sent. */
  begunMs = 0
  /** The upstream has got as much of it as there is. */
  sentMs = 0
  /** The head of the final response was whole. */
  respondedMs = 0

  readonly #clock: Deadlines

  constructor(clock: Deadlines) {
    this.#clock = clock
  }

  nowMs(): number {
    return this.#clock.readNowMs()
  }

  start(): void {
    this.startedMs = this.nowMs()
    this.askedMs = 0
    this.#restart()
  }

  ask(): void {
    this.askedMs = this.nowMs()
    this.#restart()
  }

  dial(): void {
    this.dialledMs = this.nowMs()
  }

  begin(): void {
    this.begunMs = this.nowMs()
    this.sentMs = this.begunMs
  }

  send(): void {
    this.sentMs = this.nowMs()
  }

  respond(): void {
    this.respondedMs = this.nowMs()
  }

  #restart(): void {
    this.dialledMs = 0
    this.begunMs = 0
    this.sentMs = 0
    this.respondedMs = 0
  }
}

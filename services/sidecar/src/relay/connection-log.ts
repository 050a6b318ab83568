import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { AccessCode, AccessLine, RouteLog } from '../observe/access-log.ts'
import { type Caller, originOf } from './caller.ts'
import { NOTHING_KNOWN } from './exchange-log.ts'

/** What the access log says about one connection of a stream route, or one CONNECT with its tunnel: one line. */
export class ConnectionLog {
  readonly #log: RouteLog
  readonly caller: Caller
  readonly #msg: AccessLine['msg']
  readonly #startedMs = performance.now()
  #dialledMs = 0
  #connectedMs = 0
  #isOver = false
  /** The client that the caller proved to be. */
  user: string | null = null
  method: string | null = null
  /** Of a CONNECT: where it leads. */
  target: string | null = null
  status: number | null = null
  bytesFromClient = 0
  bytesToClient = 0

  constructor(log: RouteLog, caller: Caller, msg: AccessLine['msg']) {
    this.#log = log
    this.caller = caller
    this.#msg = msg
  }

  /** The upstream is being dialled; for a host name the look-up comes first, and counts. */
  dialled(): void {
    this.#dialledMs = performance.now()
  }

  connected(): void {
    this.#connectedMs = performance.now()
  }

  get isConnected(): boolean {
    return this.#connectedMs > 0
  }

  /** Writes the line; a second time it does nothing. @param cause why it ended; null: its sides ended it */
  end(cause: Failure | AccessCode | null): void {
    if (this.#isOver) return
    this.#isOver = true
    const [code, level] = cause instanceof Failure ? [cause.code, cause.level] : [cause]
    const nowMs = performance.now()
    const until = this.#connectedMs === 0 ? nowMs : this.#connectedMs
    const line = (): AccessLine => ({
      ...NOTHING_KNOWN,
      msg: this.#msg,
      client: this.user,
      ...originOf(this.caller),
      method: this.method,
      path: this.target,
      status: this.status,
      code,
      bytesFromClient: this.bytesFromClient,
      bytesToClient: this.bytesToClient,
      connectMs: this.#dialledMs === 0 ? null : until - this.#dialledMs,
      totalMs: nowMs - this.#startedMs,
    })
    this.#log.add(this.status, code, line, level)
  }
}

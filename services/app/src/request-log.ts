import { TraceContext } from '@uds-sidecar/shared/http/trace-context'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { RequestHandler } from 'express'

/** Lines of one second: whoever may send a request may also send a `traceparent`. */
const LINES_PER_SECOND = 100
const SECOND_MS = 1_000
/** Characters of a path that a line shows. */
const MOST_CHARACTERS = 256

/**
 * Logs each request that belongs to a trace (`traceparent`, W3C Trace Context), with a span of the app below that of the
 * caller, so that one id finds it in the logs of client, sidecar and app. Other requests have no line: health checks and
 * scrapes would be most of the log.
 */
export class RequestLog {
  readonly #log: Logger
  readonly #now: () => number
  #secondEndsMs = 0
  #lines = 0
  #leftOut = 0

  /** @param now milliseconds of a clock that never goes back */
  constructor(log: Logger, now: () => number = () => performance.now()) {
    this.#log = log
    this.#now = now
  }

  /** @param listener the name of the socket */
  observe(listener: string): RequestHandler {
    return (request, response, next) => {
      const trace = TraceContext.from(`${request.headers.traceparent ?? ''}`)
      if (trace === null) return next()
      const startedMs = performance.now()
      const { method, path } = request
      response.once('close', () => {
        const status = response.headersSent ? response.statusCode : null
        const ms = Math.round((performance.now() - startedMs) * 1_000) / 1_000
        this.#write({ listener, method, path: path.slice(0, MOST_CHARACTERS), status, ms, ...trace.ids })
      })
      next()
    }
  }

  #write(facts: object): void {
    const nowMs = this.#now()
    if (nowMs >= this.#secondEndsMs) {
      this.#secondEndsMs = nowMs + SECOND_MS
      this.#lines = 0
    }
    this.#lines += 1
    if (this.#lines > LINES_PER_SECOND) this.#leftOut += 1
    else {
      const leftOut = this.#leftOut === 0 ? {} : { leftOut: this.#leftOut }
      this.#leftOut = 0
      this.#log.info({ ...facts, ...leftOut }, 'request')
    }
  }
}

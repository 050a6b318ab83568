import { FAILURES, type FailureCode, type LogLevel } from '@uds-sidecar/shared/failure/failures'
import type { TraceContext } from '@uds-sidecar/shared/http/trace-context'
import type { Logger } from '@uds-sidecar/shared/lifecycle/log'
import type { LogOutput } from '@uds-sidecar/shared/lifecycle/log-output'
import { visible } from '@uds-sidecar/shared/text/visible'
import type { AccessLogSetting } from '../config/file-schema.ts'

/**
 * Why a request ended, beside the codes of {@link FAILURES}: its client left before it had the whole response. Nobody
 * can be told that over HTTP, so it is no failure of the table.
 */
export const CLIENT_LEFT = 'client_left'

export type AccessCode = FailureCode | typeof CLIENT_LEFT

/** Lines of one second. */
const LINES_PER_SECOND = 100
const SECOND_MS = 1_000
/** Lines are written together: one by one each would cost several times as much. */
const LINES_TOGETHER = 50
/** How long a line waits for others at most, and one of a failure. */
const GATHER_MS = 1_000
const GATHER_FAILED_MS = 100
/** Characters of a path or a method that a line shows. */
const MOST_CHARACTERS = 256

/** What a line says of one request or connection. Null: not known, or not reached. */
export interface AccessLine {
  readonly msg: 'request' | 'connection'
  /** The client that the caller proved to be. */
  readonly client: string | null
  /** On TCP. */
  readonly address: string | null
  /** On a Unix socket. */
  readonly uid: number | null
  /** As the client sent it. */
  readonly method: string | null
  /** As the client sent it, without its query; of a CONNECT the host and port. Latin-1: a character is a byte. */
  readonly path: string | null
  /** Of the response as far as the client got its head. */
  readonly status: number | null
  readonly code: AccessCode | null
  /** Head and body, and what a tunnel carried. */
  readonly bytesFromClient: number
  readonly bytesToClient: number
  readonly requestId: string | null
  readonly trace: TraceContext | null
  /** Waiting for an upstream connection. */
  readonly queueMs: number | null
  /** Opening one; null when a kept one was used. */
  readonly connectMs: number | null
  /** From sending the request to the head of the response. */
  readonly headMs: number | null
  /** From the whole request head to the end of the response; of a connection its life. */
  readonly totalMs: number
}

/** A line that is not written yet. What can be done later is: many lines in a row cost less than one now and then. */
interface Gathered {
  readonly route: string
  readonly line: AccessLine
  /** When its request ended, on the clock of the log. */
  readonly endedMs: number
  readonly level: LogLevel
}

/** Where the lines go: {@link LogOutput}. */
type Output = Pick<LogOutput, 'offer' | 'flush'>

/** One JSON line for a request, at most 100 in a second for all routes. The rest is counted, and the counts are logged. */
export class AccessLog implements Disposable {
  /** A reload may change it. */
  setting: AccessLogSetting = 'failed'
  readonly #log: Pick<Logger, 'isLevelEnabled'>
  readonly #output: Output | null
  readonly #now: () => number
  /** When the last line got its place. */
  #placedMs = 0
  #secondEndsMs = 0
  #lines = 0
  /** How many lines were left out, by route and by code or class of status. */
  readonly #leftOut = new Map<string, Map<string, { count: number }>>()
  #summary: NodeJS.Timeout | null = null
  #gathered: Gathered[] = []
  #gathering: NodeJS.Timeout | null = null
  /** What `#gathering` was set to. */
  #gatherMs = 0

  /**
   * @param log decides which levels are written
   * @param output null: nothing is written
   * @param now milliseconds of a clock that never goes back
   */
  constructor(
    log: Pick<Logger, 'isLevelEnabled'>,
    output: Output | null,
    now: () => number = () => performance.now(),
  ) {
    this.#log = log
    this.#output = output
    this.#now = now
  }

  /** Whether a request with this end gets a line. @param status of the response; null: there was none */
  wants(status: number | null, code: AccessCode | null, level?: LogLevel): boolean {
    if (this.#output === null || this.setting === 'off') return false
    return (
      (this.setting === 'all' || isFailed(status, code)) &&
      this.#log.isLevelEnabled(level ?? levelOf(status, code))
    )
  }

  /** Takes the place of one line in this second. @returns false when none is left; then the line is counted */
  takePlace(route: string, status: number | null, code: AccessCode | null): boolean {
    this.#placedMs = this.#now()
    if (this.#placedMs >= this.#secondEndsMs) {
      this.#secondEndsMs = this.#placedMs + SECOND_MS
      this.#lines = 0
    }
    this.#lines += 1
    if (this.#lines <= LINES_PER_SECOND) return true
    this.#leaveOut(route, status, code)
    return false
  }

  /** Writes a line that has taken a place just now. */
  write(route: string, line: AccessLine, level = levelOf(line.status, line.code)): void {
    this.#gathered.push({ route, line, endedMs: this.#placedMs, level })
    if (this.#gathered.length === LINES_TOGETHER) this.flush()
    else this.#flushWithin(isFailed(line.status, line.code) ? GATHER_FAILED_MS : GATHER_MS)
  }

  #flushWithin(ms: number): void {
    if (this.#gathering !== null && this.#gatherMs <= ms) return
    clearTimeout(this.#gathering ?? undefined)
    this.#gatherMs = ms
    this.#gathering = setTimeout(() => this.flush(), ms).unref()
  }

  /** Writes the lines that are gathered. */
  flush(): void {
    clearTimeout(this.#gathering ?? undefined)
    this.#gathering = null
    const gathered = this.#gathered
    this.#gathered = []
    const epochMs = Date.now() - this.#now()
    for (const one of gathered)
      if (this.#output?.offer(lineOf(one, epochMs + one.endedMs)) === false)
        this.#leaveOut(one.route, one.line.status, one.line.code)
  }

  #leaveOut(route: string, status: number | null, code: AccessCode | null): void {
    const counts = this.#leftOut.get(route)
    const key = code ?? (status === null ? 'ended' : classOf(status))
    const counter = counts?.get(key)
    if (counter !== undefined) counter.count += 1
    else this.#leftOut.set(route, (counts ?? new Map()).set(key, { count: 1 }))
    this.#summary ??= setTimeout(() => this.#summarize(), SECOND_MS).unref()
  }

  #summarize(): void {
    clearTimeout(this.#summary ?? undefined)
    this.#summary = null
    if (this.#leftOut.size === 0) return
    const byRoute = [...this.#leftOut].map(([route, counts]) => {
      const byKey = [...counts].map(([key, { count }]) => [key, count])
      return [route, Object.fromEntries(byKey)]
    })
    const total = [...this.#leftOut.values()]
      .flatMap((counts) => [...counts.values()])
      .reduce((sum, { count }) => sum + count, 0)
    const facts = { leftOut: total, byRoute: Object.fromEntries(byRoute), hint: LEFT_OUT_HINT }
    const line = {
      level: 'warn',
      time: new Date().toISOString(),
      service: 'sidecar',
      ...facts,
      msg: LEFT_OUT,
    }
    const isWritten = this.#output?.offer(`${JSON.stringify(line)}\n`) !== false
    if (isWritten) this.#leftOut.clear()
    else this.#summary = setTimeout(() => this.#summarize(), SECOND_MS).unref() // the reader is slow
  }

  /** Logs what was left out, and writes what waits. */
  [Symbol.dispose](): void {
    this.flush()
    this.#summarize()
    clearTimeout(this.#summary ?? undefined)
    this.#output?.flush()
  }
}

/** Of a status, by its first digit. */
const CLASSES = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx']

function classOf(status: number): string {
  const digit = Math.floor(status / 100)
  return CLASSES[digit] ?? `${digit}xx`
}

const LEFT_OUT = 'lines were left out of the access log'
const LEFT_OUT_HINT =
  'it has at most 100 lines a second, and waits for no slow reader; the counters of /metrics have all requests'

/** The access log of one route. */
export class RouteLog {
  readonly #log: AccessLog
  readonly #route: string

  constructor(log: AccessLog, route: string) {
    this.#log = log
    this.#route = route
  }

  /** Nothing of a request needs to be kept for the log. */
  get isOff(): boolean {
    return this.#log.setting === 'off'
  }

  /**
   * Writes a line, if the setting asks for one.
   * @param make called only for a line that is written
   * @param level default: that of the code
   */
  add(status: number | null, code: AccessCode | null, make: () => AccessLine, level?: LogLevel): void {
    if (this.#log.wants(status, code, level) && this.#log.takePlace(this.#route, status, code))
      this.#log.write(this.#route, make(), level)
  }
}

/** The sidecar or the upstream failed it, the client left, or the app itself reported a defect. */
function isFailed(status: number | null, code: AccessCode | null): boolean {
  return code !== null || (status !== null && status >= 500)
}

function levelOf(status: number | null, code: AccessCode | null): LogLevel {
  if (code !== null) return code === CLIENT_LEFT ? 'info' : FAILURES[code].level
  return isFailed(status, code) ? 'warn' : 'info'
}

/** Written by hand: with a general way to build JSON a line cost twice as much. */
function lineOf({ route, line, level }: Gathered, timeMs: number): string {
  const { trace } = line
  const ids = trace === null ? '"traceId":null' : spansOf(trace)
  return (
    `{"level":"${level}","time":"${new Date(timeMs).toISOString()}","service":"sidecar"` +
    `,"msg":"${line.msg}","route":${quoted(route)},"client":${quoted(line.client)}` +
    `,"address":${quoted(line.address)},"uid":${line.uid}` +
    `,"method":${quoted(shortened(line.method))},"path":${quotedPath(line.path)}` +
    `,"status":${line.status},"code":${quoted(line.code)}` +
    `,"bytesFromClient":${line.bytesFromClient},"bytesToClient":${line.bytesToClient}` +
    `,"requestId":${quoted(line.requestId)},"queueMs":${rounded(line.queueMs)},"connectMs":${rounded(line.connectMs)}` +
    `,"headMs":${rounded(line.headMs)},"totalMs":${rounded(line.totalMs)},${ids}}\n`
  )
}

function spansOf({ ids: { traceId, spanId, parentSpanId } }: TraceContext): string {
  return `"traceId":"${traceId}","spanId":"${spanId}","parentSpanId":${quoted(parentSpanId)}`
}

/** What stands in JSON as it is. */
const PLAIN = /^[ !#-[\]-~]*$/

/** As JSON. What could control a terminal, or split the line for some reader, is escaped. */
function quoted(text: string | null): string {
  if (text === null) return 'null'
  return PLAIN.test(text) ? `"${text}"` : visible(JSON.stringify(text))
}

function quotedPath(latin1: string | null): string {
  if (latin1 === null) return 'null'
  const isPlain = latin1.length <= MOST_CHARACTERS && PLAIN.test(latin1)
  return isPlain ? `"${latin1}"` : quoted(shortened(Buffer.from(latin1, 'latin1').toString('utf8')))
}

function shortened(text: string | null): string | null {
  return text === null || text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`
}

/** Milliseconds, to the microsecond. */
function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 1_000) / 1_000
}

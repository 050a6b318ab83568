/**
 * W3C Trace Context: `traceparent` says to which trace a request belongs, and `tracestate` is for the tracers on its way
 * (w3.org/TR/trace-context).
 */

/** What a line of the log says of a trace. */
export interface TraceIds {
  /** The same for all spans of a trace: 32 hexadecimal digits. */
  readonly traceId: string
  /** This part of the way: 16 hexadecimal digits. The next server gets it as its parent. */
  readonly spanId: string
  /** The part before it; null: the trace began here. */
  readonly parentSpanId: string | null
}

/** The flags that are known: sampled, and that the trace id is random. Others must be sent as 0. */
const KNOWN_FLAGS = 0b11
const SAMPLED = 0b01

const VERSION_00 = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const ZEROS = /^0+$/

/** Members of a `tracestate`, and characters in all. */
const MOST_MEMBERS = 32
const MOST_STATE_CHARACTERS = 8_192
const MEMBER = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[ -+\--<>-~]{0,255}[!-+\--<>-~]$/

/** The trace of one request, with a span for its way through the sidecar. */
export class TraceContext {
  readonly ids: TraceIds
  readonly #flags: number
  readonly #state: string | null

  private constructor(ids: TraceIds, flags: number, state: string | null) {
    this.ids = ids
    this.#flags = flags
    this.#state = state
  }

  /** A new trace. It asks for a sample, because whoever sets `trace` wants to see its requests. */
  static start(): TraceContext {
    return new TraceContext(
      { traceId: randomId(32), spanId: randomId(16), parentSpanId: null },
      SAMPLED,
      null,
    )
  }

  /**
   * The next span of the trace that a client sent. A later version is read as far as it is like 00, as the standard says.
   * @param states the values of `tracestate`; what is malformed in one of them drops all
   * @returns null for a `traceparent` that is malformed: the trace does not go on
   */
  static from(traceparent: string, states: readonly string[] = []): TraceContext | null {
    const [, version = 'ff', traceId = '', parentSpanId = '', flags = '', rest] =
      VERSION_00.exec(traceparent) ?? []
    const isTooLong = version === '00' && rest !== undefined
    if (version === 'ff' || isTooLong || ZEROS.test(traceId) || ZEROS.test(parentSpanId)) return null
    const ids = { traceId, spanId: randomId(16), parentSpanId }
    return new TraceContext(ids, Number.parseInt(flags, 16) & KNOWN_FLAGS, joined(states))
  }

  /** The value of `traceparent` for the next server. */
  get traceparent(): string {
    const { traceId, spanId } = this.ids
    return `00-${traceId}-${spanId}-0${this.#flags}`
  }

  /** The field lines for the next server. */
  get lines(): string {
    const state = this.#state === null ? '' : `tracestate: ${this.#state}\r\n`
    return `traceparent: ${this.traceparent}\r\n${state}`
  }
}

/** One valid `tracestate`; null: there is none. */
function joined(states: readonly string[]): string | null {
  const members = states
    .flatMap((state) => state.split(','))
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ''))
  const given = members.filter((member) => member !== '')
  const keys = new Set(given.map((member) => member.slice(0, member.indexOf('='))))
  const text = given.join(',')
  const isValid = given.length > 0 && given.length <= MOST_MEMBERS && keys.size === given.length
  return isValid && text.length <= MOST_STATE_CHARACTERS && given.every((member) => MEMBER.test(member))
    ? text
    : null
}

/** Not secret, as in `RequestIds`; never only zeros, which means "no id". */
function randomId(digits: number): string {
  let id = ''
  while (id.length < digits)
    id += Math.floor(Math.random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return ZEROS.test(id) ? randomId(digits) : id
}

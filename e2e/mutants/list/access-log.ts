import type { Mutant } from '../mutant.ts'

const OUTPUT = 'shared/src/lifecycle/log-output.test.ts'
const LOG = 'services/sidecar/src/observe/access-log.test.ts'
const RELAY = 'services/sidecar/src/relay/access-log.test.ts'
const TRACE = 'services/sidecar/src/http1/trace-fields.test.ts'
const TRACING = 'services/sidecar/src/relay/tracing.test.ts'

const OUTPUT_TS = 'shared/src/lifecycle/log-output.ts'
const LOG_TS = 'services/sidecar/src/observe/access-log.ts'
const EXCHANGE_LOG_TS = 'services/sidecar/src/relay/exchange-log.ts'
const EXCHANGE_TS = 'services/sidecar/src/relay/exchange.ts'
const TRACE_TS = 'shared/src/http/trace-context.ts'

/** One line for a request, and the trace that it belongs to. */
export const accessLog: readonly Mutant[] = [
  {
    name: 'lines for a slow reader wait without a bound',
    file: OUTPUT_TS,
    find: 'if (this.#waitingBytes + line.length > MOST_WAITING_BYTES) return false',
    replace: '',
    killers: [OUTPUT],
  },
  {
    name: 'a line begins in the middle of another one',
    file: OUTPUT_TS,
    find: 'if (!this.#flush(this.#mostTries)) return\n    const bytes',
    replace: 'const bytes',
    killers: [OUTPUT],
  },
  {
    name: 'a reader that stands still is waited for at every line',
    file: OUTPUT_TS,
    find: 'return this.#isStuck ? 1 : RETRIES',
    replace: 'return RETRIES',
    killers: [OUTPUT],
  },
  {
    name: 'a pipe that nobody reads stops the process',
    file: OUTPUT_TS,
    find: 'if (!this.#isNonBlocking) makeNonBlocking()',
    replace: '',
    killers: [OUTPUT],
  },
  {
    name: 'the access log has any number of lines a second',
    file: LOG_TS,
    find: 'if (this.#lines <= LINES_PER_SECOND) return true',
    replace: 'return true',
    killers: [LOG],
  },
  {
    name: 'the access log never begins a new second',
    file: LOG_TS,
    find: 'nowMs >= this.#secondEndsMs',
    replace: 'this.#secondEndsMs === 0',
    killers: [LOG],
  },
  {
    name: 'lines that were left out are counted again and again',
    file: LOG_TS,
    find: 'if (isWritten) this.#leftOut.clear()',
    replace: 'if (isWritten) return',
    killers: [LOG],
  },
  {
    name: 'a line that a slow reader did not take is not counted',
    file: LOG_TS,
    find: 'if (this.#output?.offer(textOf(one)) === false)',
    replace: 'if (this.#output?.offer(textOf(one)) === null)',
    killers: [LOG],
  },
  {
    name: 'a line of the access log can control a terminal',
    file: LOG_TS,
    find: 'visible(JSON.stringify(text))',
    replace: 'JSON.stringify(text)',
    killers: [LOG],
  },
  {
    name: 'a line of the access log has a whole path',
    file: LOG_TS,
    find: 'text === null || text.length <= MOST_CHARACTERS ? text',
    replace: 'text !== null ? text',
    killers: [LOG],
  },
  {
    name: 'with accessLog: failed, what the app denies has a line',
    file: LOG_TS,
    find: 'status !== null && status >= 500',
    replace: 'status !== null && status >= 400',
    killers: [LOG],
  },
  {
    name: 'the access log ignores LOG_LEVEL',
    file: LOG_TS,
    find: ' &&\n      this.#log.isLevelEnabled(level ?? levelOf(status, code))',
    replace: '',
    killers: [LOG],
  },
  {
    name: 'a path in the access log has its query',
    file: EXCHANGE_LOG_TS,
    find: 'impliedPath, targetStart, pathEnd }',
    replace: 'impliedPath, targetStart, targetEnd: pathEnd }',
    killers: [RELAY],
  },
  {
    name: 'a malformed request line is logged with its query',
    file: EXCHANGE_LOG_TS,
    find: '[rest.indexOf(QUESTION), rest.indexOf(SPACE)',
    replace: '[rest.indexOf(SPACE)',
    killers: [RELAY],
  },
  {
    name: 'the password of a URL is logged',
    file: EXCHANGE_LOG_TS,
    find: 'path: textOf(withoutAuthority(target))',
    replace: 'path: textOf(target)',
    killers: [RELAY],
  },
  {
    name: 'a client that leaves is not logged as such',
    file: EXCHANGE_TS,
    find: 'if (!this.#isLongUnderWay) this.#log.code ??= CLIENT_LEFT',
    replace: '',
    killers: [RELAY],
  },
  {
    name: 'a client that ends a long response is logged as a failure',
    file: EXCHANGE_TS,
    find: 'if (!this.#isLongUnderWay) this.#log.code ??= CLIENT_LEFT',
    replace: 'this.#log.code ??= CLIENT_LEFT',
    killers: [RELAY],
  },
  {
    name: 'the bytes of a tunnel are not in its line',
    file: EXCHANGE_LOG_TS,
    find: 'bytesToClient: line.bytesToClient + bytesToClient',
    replace: 'bytesToClient: line.bytesToClient',
    killers: [RELAY],
  },
  {
    name: 'a kept connection is logged as dialled',
    file: EXCHANGE_LOG_TS,
    find: 'connectMs: dialledMs === 0 ? null : (begunMs || endMs) - dialledMs',
    replace: 'connectMs: (begunMs || endMs) - dialledMs',
    killers: [RELAY],
  },
  {
    name: 'a reload does not change which requests are logged',
    file: 'services/sidecar/src/sidecar/sidecar.ts',
    find: 'this.#surroundings.accessLog.setting = config.accessLog',
    replace: 'if (this.#routes.length === 0) this.#surroundings.accessLog.setting = config.accessLog',
    killers: [RELAY],
  },
  {
    name: 'unknown flags of a trace are passed on',
    file: TRACE_TS,
    find: 'Number.parseInt(flags, 16) & KNOWN_FLAGS',
    replace: 'Number.parseInt(flags, 16)',
    killers: [TRACE],
  },
  {
    name: 'a traceparent of version ff goes on',
    file: TRACE_TS,
    find: "version === 'ff' || isTooLong",
    replace: "traceId === '' || isTooLong",
    killers: [TRACE],
  },
  {
    name: 'a traceparent of version 00 may be longer',
    file: TRACE_TS,
    find: "version === 'ff' || isTooLong",
    replace: "version === 'ff'",
    killers: [TRACE],
  },
  {
    name: 'the first of two traceparents goes on',
    file: 'services/sidecar/src/http1/request-fields.ts',
    find: 'head.traceparents !== 1',
    replace: 'head.traceparents === 0',
    killers: [TRACE],
  },
  {
    name: 'a malformed tracestate goes on',
    file: TRACE_TS,
    find: ' && given.every((member) => MEMBER.test(member))',
    replace: '',
    killers: [TRACE],
  },
  {
    name: 'a client sends its traceparent past the sidecar',
    file: 'services/sidecar/src/http1/request-head.ts',
    find: '      case FIELD.traceparent:\n      case FIELD.tracestate:\n',
    replace: '',
    killers: [TRACING],
  },
  {
    name: 'a trace begins although nobody asked for it',
    file: EXCHANGE_TS,
    find: 'if (this.#relay.tracing.starts) this.#log.trace',
    replace: 'this.#log.trace',
    killers: [TRACING],
  },
  {
    name: 'a failure waits for other lines as long as all do',
    file: LOG_TS,
    find: 'isFailed(line.status, line.code) ? GATHER_FAILED_MS : GATHER_MS',
    replace: 'GATHER_MS',
    killers: [LOG],
  },
  {
    name: 'a failure does not hasten the lines before it',
    file: LOG_TS,
    find: 'if (this.#gathering !== null && this.#gatherMs <= ms) return',
    replace: 'if (this.#gathering !== null) return',
    killers: [LOG],
  },
  {
    name: 'each line puts off those before it',
    file: LOG_TS,
    find: 'if (this.#gathering !== null && this.#gatherMs <= ms) return',
    replace: '',
    killers: [LOG],
  },
  {
    name: 'a busy second gathers all of its lines',
    file: LOG_TS,
    find: 'if (this.#gathered.length === LINES_TOGETHER) this.flush()',
    replace: 'if (false) this.flush()',
    killers: [LOG],
  },
  {
    name: 'lines that are gathered are lost at the end',
    file: LOG_TS,
    find: '[Symbol.dispose](): void {\n    this.flush()\n',
    replace: '[Symbol.dispose](): void {\n',
    killers: [LOG],
  },
  {
    name: 'a request that the end of the drain cuts is logged as left by its client',
    file: 'services/sidecar/src/relay/client-connection.ts',
    find: 'this.#exchange?.interrupt()',
    replace: '',
    killers: [RELAY],
  },
  {
    name: 'plain HTTP on a port with TLS is not logged',
    file: 'services/sidecar/src/tls/tls-handler.ts',
    find: 'logRefused(accessLog, { address: handshake.address, uid: undefined }, failure, {\n        head: bytes,\n        bytesToClient,\n      })',
    replace: 'void [bytes, bytesToClient]',
    killers: [RELAY],
  },
  {
    name: 'what is no request line is logged as a method',
    file: EXCHANGE_LOG_TS,
    find: 'return isRequest ? {',
    replace: 'return isRequest || method.length > 0 ? {',
    killers: [RELAY],
  },
  {
    name: 'a line without a space is logged as a method',
    file: EXCHANGE_LOG_TS,
    find: 'method: KNOWN_METHODS.has(method) ? method : null',
    replace: 'method: KNOWN_METHODS.size > 0 ? method : null',
    killers: [RELAY],
  },
]

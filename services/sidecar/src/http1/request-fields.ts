import { TraceContext } from '@uds-sidecar/shared/http/trace-context'
import { COLON, equalsIgnoringCase, LOWER, parseWholeNumber } from './bytes.ts'
import { isRequestId } from './compose-request.ts'
import { FIELD } from './field-names.ts'
import { readConnectionOptions } from './hop-by-hop.ts'
import { isHostAndPort } from './host.ts'
import { EXPECTATION, malformed, type Refusal, type RequestHead, UPGRADE } from './request-head.ts'

const HOST_MISSING = malformed('it has no Host')
const HOST_TWICE = malformed('it has Host more than once')
const HOST_INVALID = malformed('its Host is not a host and port')
const HOST_DIFFERS = malformed('its URL and its Host disagree')
const LENGTH_TWICE = malformed('it has Content-Length more than once')
const LENGTH_INVALID = malformed('its Content-Length is not a whole number')
const CODING_TWICE = malformed('it has Transfer-Encoding more than once')
const CODING_UNKNOWN = malformed('its Transfer-Encoding is not exactly chunked')
const CODING_IN_1_0 = malformed('it is HTTP/1.0 and has Transfer-Encoding')
const BOTH = malformed('it has Content-Length and Transfer-Encoding')
const TRACE_BODY = malformed('it is TRACE and has a body')
const CONNECT_BODY = malformed('it is CONNECT and has a body')
const REQUEST_ID_TWICE = malformed('it has X-Request-Id more than once')
const CONNECTION = malformed('its Connection is malformed or names a field that is not for one connection')
const NAME_ODD = malformed(
  'the name of Host or of a framing field has _, or another character, where - belongs',
)
const AUTHORIZATION_TWICE = malformed('it has Authorization more than once')
const FORWARDS_TWICE = malformed('it has Max-Forwards more than once')
const FORWARDS_INVALID = malformed('its Max-Forwards is not a whole number')

/** Reads the values of the recorded fields into `head`. @returns `head.end`, or `REFUSED`. */
export function readRequestFields(head: RequestHead, bytes: Buffer): number {
  const { fields } = head
  for (let i = 0; i < fields.count; i++) {
    const refusal = readField(head, bytes, i, fields.valueStart(i), fields.valueEnd(i))
    if (refusal !== null) return head.refuse(refusal)
  }
  head.drops.collect(head, bytes)
  return conclude(head)
}

function readField(
  head: RequestHead,
  bytes: Buffer,
  index: number,
  from: number,
  to: number,
): Refusal | null {
  switch (head.fields.id(index)) {
    case FIELD.host:
      return readHost(head, bytes, from, to)
    case FIELD.contentLength:
      if (head.contentLength >= 0) return LENGTH_TWICE
      head.contentLength = parseWholeNumber(bytes, from, to)
      return head.contentLength < 0 ? LENGTH_INVALID : null
    case FIELD.transferEncoding:
      if (head.chunked) return CODING_TWICE
      head.chunked = equalsIgnoringCase(bytes, from, to, 'chunked')
      return head.chunked ? null : CODING_UNKNOWN
    case FIELD.connection:
      return readConnectionOptions(head, bytes, from, to) ? null : CONNECTION
    case FIELD.expect:
      head.expectsContinue = equalsIgnoringCase(bytes, from, to, '100-continue')
      return head.expectsContinue ? null : EXPECTATION
    case FIELD.oddFraming:
      return NAME_ODD
    case FIELD.upgrade:
      if (head.mayUpgrade) return null
      return head.minor === 1 && namesWebSocket(bytes, from, to) ? UPGRADE : null
    case FIELD.maxForwards:
      return readMaxForwards(head, bytes, from, to)
    case FIELD.requestId:
      return readRequestId(head, bytes, index, from, to)
    case FIELD.authorization:
      if (head.authorizationStart >= 0) return AUTHORIZATION_TWICE
      head.authorizationStart = from
      head.authorizationEnd = to
      return null
    case FIELD.traceparent:
      head.traceparents += 1
      return null
    case FIELD.scrapeTimeout:
      head.scrapeTimeoutMs = parseScrapeTimeout(bytes, from, to)
      return null
    default:
      return null
  }
}

function readRequestId(
  head: RequestHead,
  bytes: Buffer,
  index: number,
  from: number,
  to: number,
): Refusal | null {
  if (head.requestIdStart >= 0) return REQUEST_ID_TWICE
  if (!isRequestId(bytes, from, to)) return null
  head.requestIdStart = head.fields.lineStart(index)
  head.requestIdFrom = from
  head.requestIdTo = to
  return null
}

/** Every other protocol is optional: without the field the request is served as it is (RFC 9110 section 7.8). */
function namesWebSocket(bytes: Buffer, from: number, to: number): boolean {
  const protocols = bytes.toString('latin1', from, to).toLowerCase().split(',')
  return protocols.some((protocol) => protocol.trim().split('/', 1)[0] === 'websocket')
}

/** How long Prometheus waits at most, in milliseconds; 0: the value is not a positive number. */
function parseScrapeTimeout(bytes: Buffer, from: number, to: number): number {
  const text = bytes.toString('latin1', from, Math.min(to, from + 20))
  return /^\d{1,6}(\.\d+)?$/.test(text) ? Number(text) * 1_000 : 0
}

/** For OPTIONS and TRACE alone; other methods forward the field unread. */
function readMaxForwards(head: RequestHead, bytes: Buffer, from: number, to: number): Refusal | null {
  if (head.method !== 'OPTIONS' && head.method !== 'TRACE') return null
  if (head.maxForwards >= 0) return FORWARDS_TWICE
  head.maxForwards = parseWholeNumber(bytes, from, to)
  return head.maxForwards < 0 ? FORWARDS_INVALID : null
}

function readHost(head: RequestHead, bytes: Buffer, from: number, to: number): Refusal | null {
  if (head.hasHost) return HOST_TWICE
  head.hasHost = true
  head.hostStart = from
  head.hostEnd = to
  if (to > from && !isHostAndPort(bytes, from, to)) return HOST_INVALID
  if (head.authorityEnd === 0) return null
  return isSameAuthority(head, bytes, from, to) ? null : HOST_DIFFERS
}

function isSameAuthority(head: RequestHead, bytes: Buffer, from: number, to: number): boolean {
  const { authorityStart, authorityEnd } = head
  if (to - from !== authorityEnd - authorityStart && !isWithoutPort(head, bytes, to - from)) return false
  for (let i = 0; i < to - from; i++) {
    if (LOWER[bytes[from + i] as number] !== LOWER[bytes[authorityStart + i] as number]) return false
  }
  return true
}

/** Clients leave the usual port out of the Host of a CONNECT (undici 7). @param length of the Host, which is valid */
function isWithoutPort(
  { method, authorityStart, authorityEnd }: RequestHead,
  bytes: Buffer,
  length: number,
): boolean {
  return method === 'CONNECT' && bytes.lastIndexOf(COLON, authorityEnd - 1) === authorityStart + length
}

function conclude(head: RequestHead): number {
  if (head.chunked && head.contentLength >= 0) return head.refuse(BOTH)
  if (head.method === 'TRACE' && (head.chunked || head.contentLength > 0)) return head.refuse(TRACE_BODY)
  if (head.chunked && head.minor === 0) return head.refuse(CODING_IN_1_0)
  const isConnect = head.authorityEnd > 0 && head.method === 'CONNECT'
  if (isConnect && (head.chunked || head.contentLength >= 0)) return head.refuse(CONNECT_BODY)
  if (!head.hasHost && (head.minor === 1 || (head.authorityEnd > 0 && !isConnect)))
    return head.refuse(HOST_MISSING)
  if (head.minor === 0) head.expectsContinue = false
  return head.end
}

/**
 * The trace that a request belongs to, with a new span. Null without one valid `traceparent`: two of them say nothing.
 * @param bytes the buffer that `head` was parsed from
 */
export function traceOf(head: RequestHead, bytes: Buffer): TraceContext | null {
  if (head.traceparents !== 1) return null
  const [traceparent = ''] = valuesOf(head, bytes, FIELD.traceparent)
  return TraceContext.from(traceparent, valuesOf(head, bytes, FIELD.tracestate))
}

function valuesOf({ fields }: RequestHead, bytes: Buffer, id: number): string[] {
  const indexes = [...Array(fields.count).keys()].filter((index) => fields.id(index) === id)
  return indexes.map((index) =>
    bytes.toString('latin1', fields.valueStart(index), fields.valueEnd(index)).trim(),
  )
}

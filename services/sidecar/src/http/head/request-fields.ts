import { HOST, LOWER } from './characters.ts'
import { readConnectionOptions } from './connection-options.ts'
import { parseContentLength } from './content-length.ts'
import { equalsIgnoringCase } from './equals-ignoring-case.ts'
import { FIELD } from './field-ids.ts'
import { badRequest, type Refusal, UPGRADE } from './refusal.ts'
import type { RequestHead } from './request-head.ts'
import { isRequestId } from './request-id.ts'
import { parseScrapeTimeout } from './scrape-timeout.ts'

const HOST_MISSING = badRequest('it has no Host')
const HOST_TWICE = badRequest('it has Host more than once')
const HOST_INVALID = badRequest('its Host is not a host and port')
const HOST_DIFFERS = badRequest('its URL and its Host disagree')
const LENGTH_TWICE = badRequest('it has Content-Length more than once')
const LENGTH_INVALID = badRequest('its Content-Length is not a whole number')
const CODING_TWICE = badRequest('it has Transfer-Encoding more than once')
const CODING_UNKNOWN = badRequest('its Transfer-Encoding is not exactly chunked')
const CODING_IN_1_0 = badRequest('it is HTTP/1.0 and has Transfer-Encoding')
const BOTH = badRequest('it has Content-Length and Transfer-Encoding')
const EXPECTATION = badRequest('its Expect is not 100-continue')
const REQUEST_ID_TWICE = badRequest('it has X-Request-Id more than once')
const CONNECTION = badRequest('its Connection names a field that is not for one connection')

/** Takes the fields of a scanned head for what they mean. @returns `head.end`, or `REFUSED`. */
export function readRequestFields(head: RequestHead, bytes: Buffer): number {
  const { fields, drops } = head
  for (let i = 0; i < fields.count; i++) {
    const from = fields.valueStart(i)
    const to = fields.valueEnd(i)
    const refusal = readField(head, bytes, fields.id(i), from, to)
    if (refusal !== null) return head.refuse(refusal)
    if (isDropped(head, fields.id(i))) drops.add(fields.lineStart(i), fields.lineEnd(i))
  }
  return conclude(head)
}

function readField(head: RequestHead, bytes: Buffer, id: number, from: number, to: number): Refusal | null {
  switch (id) {
    case FIELD.host:
      return readHost(head, bytes, from, to)
    case FIELD.contentLength:
      if (head.contentLength >= 0) return LENGTH_TWICE
      head.contentLength = parseContentLength(bytes, from, to)
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
    case FIELD.upgrade:
      return UPGRADE
    case FIELD.requestId:
      if (head.hasRequestId) return REQUEST_ID_TWICE
      head.hasRequestId = isRequestId(bytes, from, to)
      return null
    case FIELD.scrapeTimeout:
      head.scrapeTimeoutMs = parseScrapeTimeout(bytes, from, to)
      return null
    default:
      return null
  }
}

/** Hop-by-hop fields end here; where a request came from is ours to say. */
function isDropped(head: RequestHead, id: number): boolean {
  switch (id) {
    case FIELD.connection:
    case FIELD.keepAlive:
    case FIELD.hopByHop:
    case FIELD.forwarded:
      return true
    case FIELD.requestId:
      return !head.hasRequestId
    case FIELD.expect:
      return head.minor === 0
    default:
      return false
  }
}

function readHost(head: RequestHead, bytes: Buffer, from: number, to: number): Refusal | null {
  if (head.hasHost) return HOST_TWICE
  head.hasHost = true
  for (let at = from; at < to; at++) if (HOST[bytes[at] as number] !== 1) return HOST_INVALID
  if (head.authorityEnd === 0) return null
  return isSameAuthority(head, bytes, from, to) ? null : HOST_DIFFERS
}

function isSameAuthority(head: RequestHead, bytes: Buffer, from: number, to: number): boolean {
  if (to - from !== head.authorityEnd - head.authorityStart) return false
  for (let i = 0; i < to - from; i++) {
    if (LOWER[bytes[from + i] as number] !== LOWER[bytes[head.authorityStart + i] as number]) return false
  }
  return true
}

function conclude(head: RequestHead): number {
  if (head.chunked && head.contentLength >= 0) return head.refuse(BOTH)
  if (head.chunked && head.minor === 0) return head.refuse(CODING_IN_1_0)
  if (!head.hasHost && (head.minor === 1 || head.authorityEnd > 0)) return head.refuse(HOST_MISSING)
  if (head.minor === 0) head.expectsContinue = false
  return head.end
}

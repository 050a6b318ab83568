import { equalsIgnoringCase, parseWholeNumber, SPACE, TAB, ZERO } from './bytes.ts'
import { FIELD } from './field-names.ts'
import { readConnectionLeniently } from './hop-by-hop.ts'
import type { ResponseHead } from './response-head.ts'

/** Reads the values of the recorded fields into `head`. @returns what is wrong with them, or null. */
export function readResponseFields(head: ResponseHead, bytes: Buffer): string | null {
  const fault = readFields(head, bytes) ?? faultInFraming(head)
  if (fault !== null && !head.isBodiless) return fault
  if (fault !== null) ignoreFraming(head)
  head.drops.collect(head, bytes)
  if (head.dateStart >= 0 && head.drops.isNominated(bytes, head.dateStart)) head.dateStart = -1
  return null
}

/** Reads all fields, also after a fault. @returns a fault, or null. */
function readFields(head: ResponseHead, bytes: Buffer): string | null {
  const { fields } = head
  let fault: string | null = null
  for (let i = 0; i < fields.count; i++)
    fault = readField(head, bytes, i, fields.valueStart(i), fields.valueEnd(i)) ?? fault
  return fault
}

function readField(
  head: ResponseHead,
  bytes: Buffer,
  index: number,
  from: number,
  to: number,
): string | null {
  switch (head.fields.id(index)) {
    case FIELD.contentLength:
      return readLength(head, bytes, from, to)
    case FIELD.transferEncoding:
      return readCoding(head, bytes, from, to)
    case FIELD.connection:
      readConnectionLeniently(head, bytes, from, to)
      return null
    case FIELD.keepAlive:
      head.keepAliveSeconds = parseKeepAlive(bytes, from, to)
      return null
    case FIELD.date:
      head.dateStart = head.fields.lineStart(index)
      return null
    default:
      return null
  }
}

function readLength(head: ResponseHead, bytes: Buffer, from: number, to: number): string | null {
  if (head.contentLength >= 0) return 'it has Content-Length more than once'
  const end = beforeBlanks(bytes, from, to)
  const start = afterZeros(bytes, from, end)
  head.contentLength = parseWholeNumber(bytes, start, end)
  head.isReframed ||= end < to || start > from
  return head.contentLength < 0 ? 'its Content-Length is not a whole number' : null
}

function readCoding(head: ResponseHead, bytes: Buffer, from: number, to: number): string | null {
  if (head.hasTransferEncoding) return 'it has Transfer-Encoding more than once'
  const end = beforeBlanks(bytes, from, to)
  head.hasTransferEncoding = true
  head.chunked = equalsIgnoringCase(bytes, from, end, 'chunked')
  head.isReframed ||= end < to
  return head.chunked ? null : 'its Transfer-Encoding is not exactly chunked'
}

function faultInFraming(head: ResponseHead): string | null {
  if (head.chunked && head.contentLength >= 0) return 'it has Content-Length and Transfer-Encoding'
  if (head.chunked && head.minor === 0) return 'it is HTTP/1.0 and has Transfer-Encoding'
  return null
}

/** The response has no body in any case: its framing fields are dropped, because they could mislead others. */
function ignoreFraming(head: ResponseHead): void {
  head.hasTransferEncoding = true
  head.chunked = false
  head.contentLength = -1
}

/** Tabs and spaces at the end are white space (RFC 9110 section 5.6.3). */
function beforeBlanks(bytes: Buffer, from: number, to: number): number {
  let end = to
  while (end > from && (bytes[end - 1] === TAB || bytes[end - 1] === SPACE)) end--
  return end
}

/** Skips leading zeros: they mean nothing, but not every reader can take so many digits. */
function afterZeros(bytes: Buffer, from: number, to: number): number {
  let start = from
  while (start < to - 1 && bytes[start] === ZERO) start++
  return start
}

const TIMEOUT = /(?:^|[,;])[ \t]*timeout[ \t]*=[ \t]*"?(?<seconds>\d{1,6})/i

/** The seconds of `timeout=5, max=100`, in any order. The usual form is read without a regular expression. */
function parseKeepAlive(bytes: Buffer, from: number, to: number): number {
  const prefix = 'timeout='
  if (!equalsIgnoringCase(bytes, from, Math.min(to, from + prefix.length), prefix))
    return Number(TIMEOUT.exec(bytes.toString('latin1', from, to))?.groups?.seconds ?? -1)
  let at = from + prefix.length
  let seconds = 0
  for (; at < to && at < from + prefix.length + 6; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) break
    seconds = seconds * 10 + digit
  }
  return at === from + prefix.length ? -1 : seconds
}

import { ZERO } from './ascii.ts'
import { readConnectionOptions } from './connection-options.ts'
import { parseContentLength } from './content-length.ts'
import { equalsIgnoringCase } from './equals-ignoring-case.ts'
import { FIELD } from './field-ids.ts'
import type { ResponseHead } from './response-head.ts'

/** Takes the fields of a scanned head for what they mean. @returns what is wrong with them, or null. */
export function readResponseFields(head: ResponseHead, bytes: Buffer): string | null {
  const { fields, drops } = head
  for (let i = 0; i < fields.count; i++) {
    const id = fields.id(i)
    const fault = readField(head, bytes, id, fields.valueStart(i), fields.valueEnd(i))
    if (fault !== null) return fault
    if (isDropped(id)) drops.add(fields.lineStart(i), fields.lineEnd(i))
  }
  if (head.chunked && head.contentLength >= 0) return 'it has Content-Length and Transfer-Encoding'
  if (head.chunked && head.minor === 0) return 'it is HTTP/1.0 and has Transfer-Encoding'
  if (head.status === 204 && (head.chunked || head.contentLength > 0)) return 'it is 204 and announces a body'
  return null
}

function readField(head: ResponseHead, bytes: Buffer, id: number, from: number, to: number): string | null {
  switch (id) {
    case FIELD.contentLength:
      if (head.contentLength >= 0) return 'it has Content-Length more than once'
      head.contentLength = parseContentLength(bytes, from, to)
      return head.contentLength < 0 ? 'its Content-Length is not a whole number' : null
    case FIELD.transferEncoding:
      if (head.chunked) return 'it has Transfer-Encoding more than once'
      head.chunked = equalsIgnoringCase(bytes, from, to, 'chunked')
      return head.chunked ? null : 'its Transfer-Encoding is not exactly chunked'
    case FIELD.connection:
      return readConnectionOptions(head, bytes, from, to)
        ? null
        : 'its Connection names a field that is not for one connection'
    case FIELD.keepAlive:
      head.keepAliveSeconds = parseKeepAlive(bytes, from, to)
      return null
    default:
      return null
  }
}

function isDropped(id: number): boolean {
  return id === FIELD.connection || id === FIELD.keepAlive || id === FIELD.hopByHop || id === FIELD.upgrade
}

/** `timeout=5, max=100`: nearly always the same few bytes, so read by hand. */
function parseKeepAlive(bytes: Buffer, from: number, to: number): number {
  const prefix = 'timeout='
  if (!equalsIgnoringCase(bytes, from, Math.min(to, from + prefix.length), prefix)) return -1
  let at = from + prefix.length
  let seconds = 0
  for (; at < to && at < from + prefix.length + 6; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) break
    seconds = seconds * 10 + digit
  }
  return at === from + prefix.length ? -1 : seconds
}

import { FIELD_FAULT, INCOMPLETE, scanFields } from './fields.ts'
import { readResponseFields } from './response-fields.ts'
import type { ResponseHead } from './response-head.ts'
import { parseStatusLine } from './status-line.ts'

/** What parsing returns beside a position and `INCOMPLETE`; the reason is in `head.fault`. */
export const MALFORMED = -200

/**
 * Parses and validates one response head, `bytes[start, end)`, into `head`, as strictly as a request's.
 * @returns the position after the head, `INCOMPLETE`, or `MALFORMED` with `head.fault` set.
 */
export function parseResponseHead(head: ResponseHead, bytes: Buffer, start: number, end: number): number {
  head.reset()
  const fieldsStart = parseStatusLine(head, bytes, start, end)
  if (fieldsStart === INCOMPLETE) return INCOMPLETE
  if (fieldsStart < 0) return malformed(head, 'its status line is not that of HTTP/1.1 or HTTP/1.0')
  head.fieldsStart = fieldsStart
  const position = scanFields(head.fields, bytes, fieldsStart, end)
  if (position === INCOMPLETE) return INCOMPLETE
  if (position < 0) return malformed(head, FIELD_FAULT[position as keyof typeof FIELD_FAULT])
  head.end = position
  const fault = readResponseFields(head, bytes)
  return fault === null ? position : malformed(head, fault)
}

function malformed(head: ResponseHead, fault: string): typeof MALFORMED {
  head.fault = fault
  return MALFORMED
}

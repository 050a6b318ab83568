import { FIELD_FAULT, INCOMPLETE, scanFields, TOO_MANY_FIELDS, USUAL_FIELDS } from './fields.ts'
import { readResponseFields } from './response-fields.ts'
import { hasNoBody, type ResponseHead } from './response-head.ts'
import { parseStatusLine } from './status-line.ts'

/** What parsing returns beside a position, `INCOMPLETE` and `TOO_MANY_FIELDS`; the reason is in `head.fault`. */
export const MALFORMED = -200

/** The request that a response is for. */
export interface ResponseTo {
  readonly method: string
  /** Minor version of the client. */
  readonly minor: number
}

const TO_GET: ResponseTo = { method: 'GET', minor: 1 }

/**
 * Parses and validates one response head, `bytes[start, end)`, into `head`: its lines as strictly as a request's, but
 * what an honest server may send and no reader can take for something else is not refused.
 * @returns the position after the head, `INCOMPLETE`, `TOO_MANY_FIELDS`, or `MALFORMED` with `head.fault` set.
 */
export function parseResponseHead(
  head: ResponseHead,
  bytes: Buffer,
  start: number,
  end: number,
  to: ResponseTo = TO_GET,
  maxFields = USUAL_FIELDS,
): number {
  head.reset()
  const fieldsStart = parseStatusLine(head, bytes, start, end)
  if (fieldsStart === INCOMPLETE) return INCOMPLETE
  if (fieldsStart < 0) return malformed(head, 'its status line is not that of HTTP/1.1 or HTTP/1.0')
  head.fieldsStart = fieldsStart
  head.isBodiless = hasNoBody(to.method, head.status)
  head.clientMinor = to.minor
  const position = scanFields(head.fields, bytes, fieldsStart, end, maxFields)
  if (position === INCOMPLETE || position === TOO_MANY_FIELDS) return position
  if (position < 0) return malformed(head, FIELD_FAULT[position as keyof typeof FIELD_FAULT])
  head.end = position
  const fault = readResponseFields(head, bytes)
  return fault === null ? position : malformed(head, fault)
}

function malformed(head: ResponseHead, fault: string): typeof MALFORMED {
  head.fault = fault
  return MALFORMED
}

import { CR, LF, PRINTABLE, SPACE, ZERO } from './bytes.ts'
import { FIELD_FAULT, INCOMPLETE, scanFields, TOO_MANY_FIELDS, USUAL_FIELDS } from './fields.ts'
import { readResponseFields } from './response-fields.ts'
import { hasNoBody, type ResponseHead } from './response-head.ts'

const PREFIX = Buffer.from('HTTP/1.')
/** `HTTP/1.1 200` */
const SHORTEST = 12
const INVALID = -2

/**
 * Reads `HTTP/1.x SP status [SP reason] CRLF` (RFC 9112 section 4); many servers leave out the space without a reason.
 * @returns the position after the line, `INCOMPLETE`, or another negative number.
 */
export function parseStatusLine(head: ResponseHead, bytes: Buffer, start: number, end: number): number {
  const known = Math.min(PREFIX.length, end - start)
  for (let i = 0; i < known; i++) if (bytes[start + i] !== PREFIX[i]) return INVALID
  if (end - start < SHORTEST) return INCOMPLETE
  const minor = (bytes[start + 7] as number) - ZERO
  if ((minor !== 0 && minor !== 1) || bytes[start + 8] !== SPACE) return INVALID
  head.minor = minor
  head.status = parseStatus(bytes, start + 9)
  return head.status < 0 ? INVALID : endOfLine(bytes, start + SHORTEST, end)
}

function parseStatus(bytes: Buffer, at: number): number {
  const hundreds = (bytes[at] as number) - ZERO
  const tens = (bytes[at + 1] as number) - ZERO
  const ones = (bytes[at + 2] as number) - ZERO
  const isStatus = hundreds >= 1 && hundreds <= 5 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9
  return isStatus ? hundreds * 100 + tens * 10 + ones : -1
}

/** A reason phrase may also have bytes beyond ASCII, which old servers send. */
function endOfLine(bytes: Buffer, start: number, end: number): number {
  let at = start
  if (at === end) return INCOMPLETE
  if (bytes[at] !== SPACE && bytes[at] !== CR) return INVALID
  while (at < end && (PRINTABLE[bytes[at] as number] === 1 || (bytes[at] as number) >= 0x80)) at++
  if (at === end) return INCOMPLETE
  if (bytes[at] !== CR) return INVALID
  if (at + 1 === end) return INCOMPLETE
  return bytes[at + 1] === LF ? at + 2 : INVALID
}

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
 * Parses and validates one response head, `bytes[start, end)`, into `head`. The lines are read as strictly as those of a
 * request; a field value that an honest server may send, and that every reader understands in the same way, is accepted.
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
  const position = scanFields(head.fields, bytes, fieldsStart, end, maxFields, false)
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

import { CR, LF, SPACE, ZERO } from './ascii.ts'
import { PRINTABLE } from './characters.ts'
import { INCOMPLETE } from './fields.ts'
import type { ResponseHead } from './response-head.ts'

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

/** A reason may also have bytes past ASCII, which old servers send. */
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

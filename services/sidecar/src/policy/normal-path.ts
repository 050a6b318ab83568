import { BACKSLASH, DELETE, DOT, HEX, PERCENT, SEMICOLON, SLASH } from '../http1/bytes.ts'

const UNRESERVED = /[A-Za-z0-9._~-]/

/**
 * Whether a path is its own normal form (RFC 3986 section 6.2.2), so that every server reads it as the allow list did:
 * no dot segments, no escape that stands for a letter, a digit or `-._~`, escapes in upper case. Also refused, because
 * servers differ about them: escaped slashes, backslashes and control characters, and dot segments with parameters.
 * @param bytes of a path whose characters are valid.
 */
export function isNormalPath(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    if (byte === PERCENT && !isNormalEscape(bytes, at, to)) return false
    if (byte === SLASH && bytes[at + 1] === DOT && isDotSegment(bytes, at + 1, to)) return false
  }
  return true
}

function isDotSegment(bytes: Buffer, from: number, to: number): boolean {
  let at = from
  while (at < to && at < from + 2 && bytes[at] === DOT) at++
  return at === to || bytes[at] === SLASH || bytes[at] === SEMICOLON
}

function isNormalEscape(bytes: Buffer, at: number, to: number): boolean {
  if (at + 2 >= to) return false
  const high = bytes[at + 1] as number
  const low = bytes[at + 2] as number
  if ((HEX[high] as number) > 15 || (HEX[low] as number) > 15 || isLower(high) || isLower(low)) return false
  const byte = (HEX[high] as number) * 16 + (HEX[low] as number)
  if (byte < 0x20 || byte === DELETE || byte === SLASH || byte === BACKSLASH) return false
  return !UNRESERVED.test(String.fromCharCode(byte))
}

function isLower(byte: number): boolean {
  return byte >= 0x61
}

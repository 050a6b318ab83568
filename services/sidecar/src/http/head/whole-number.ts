import { ZERO } from './ascii.ts'

/** Enough for 999 TB; more digits would not fit into an exact number. */
const MAX_DIGITS = 15

/** The value of digits alone, as those of Content-Length (RFC 9110 section 8.6); -1 when it is anything else. */
export function parseWholeNumber(bytes: Uint8Array, from: number, to: number): number {
  if (from === to || to - from > MAX_DIGITS) return -1
  let value = 0
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

import { isIPv6 } from 'node:net'
import { BRACKET, BRACKET_END, COLON, HEX, HOST, PERCENT, ZERO } from './bytes.ts'

const MAX_PORT = 65_535

/**
 * Whether `bytes[from, to)` is `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2): a name, an IPv4
 * address, or an IPv6 address in brackets, and a port up to 65535. A zone is refused: it has no meaning to others (RFC 6874).
 */
export function isHostAndPort(bytes: Buffer, from: number, to: number): boolean {
  const hostEnd = bytes[from] === BRACKET ? endOfAddress(bytes, from, to) : endOfName(bytes, from, to)
  if (hostEnd <= from) return false
  return hostEnd === to || (bytes[hostEnd] === COLON && isPort(bytes, hostEnd + 1, to))
}

/** @returns the position after the closing bracket, or -1. */
function endOfAddress(bytes: Buffer, from: number, to: number): number {
  let at = from + 1
  while (at < to && bytes[at] !== BRACKET_END) at++
  if (at === to) return -1
  const address = bytes.toString('latin1', from + 1, at)
  return isIPv6(address) && !address.includes('%') ? at + 1 : -1
}

/** @returns the position of the colon or the end; -1 for a character that is not allowed. */
function endOfName(bytes: Buffer, from: number, to: number): number {
  let at = from
  for (; at < to && bytes[at] !== COLON; at++) {
    const byte = bytes[at] as number
    if (HOST[byte] !== 1) return -1
    if (byte === PERCENT && !isEscape(bytes, at, to)) return -1
  }
  return at
}

function isEscape(bytes: Buffer, at: number, to: number): boolean {
  return (
    at + 2 < to &&
    (HEX[bytes[at + 1] as number] as number) < 16 &&
    (HEX[bytes[at + 2] as number] as number) < 16
  )
}

function isPort(bytes: Buffer, from: number, to: number): boolean {
  let port = 0
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] as number) - ZERO
    if (digit < 0 || digit > 9) return false
    port = port * 10 + digit
    if (port > MAX_PORT) return false
  }
  return true
}

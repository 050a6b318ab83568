import { COLON, COMMA, LF, SPACE, TAB } from './ascii.ts'
import { LOWER, TOKEN } from './characters.ts'
import type { Drops } from './drops.ts'
import { equalsIgnoringCase } from './equals-ignoring-case.ts'
import { FIELD, fieldId } from './field-ids.ts'

/** What a head knows that has been scanned. */
interface ScannedHead {
  readonly fieldsStart: number
  readonly end: number
  readonly drops: Drops
  closes: boolean
  keepsAlive: boolean
}

/**
 * Reads one `Connection` value (RFC 9110 section 7.6.1): `close`, `keep-alive`, and names of fields that end here too.
 * @returns false when it is malformed, or names a field that must not end here: a way to make a proxy remove what a
 * client may not.
 */
export function readConnectionOptions(head: ScannedHead, bytes: Buffer, from: number, to: number): boolean {
  let at = from
  while (at < to) {
    const start = at
    while (at < to && TOKEN[bytes[at] as number] === 1) at++
    if (at > start && !readOption(head, bytes, start, at)) return false
    while (at < to && (bytes[at] === SPACE || bytes[at] === TAB)) at++
    if (at < to && bytes[at] !== COMMA) return false
    at++
    while (at < to && (bytes[at] === SPACE || bytes[at] === TAB)) at++
  }
  return true
}

function readOption(head: ScannedHead, bytes: Buffer, from: number, to: number): boolean {
  if (equalsIgnoringCase(bytes, from, to, 'close')) head.closes = true
  else if (equalsIgnoringCase(bytes, from, to, 'keep-alive')) head.keepsAlive = true
  else return dropNamed(head, bytes, from, to)
  return true
}

function dropNamed(head: ScannedHead, bytes: Buffer, from: number, to: number): boolean {
  const id = fieldId(bytes, from, to)
  if (id === FIELD.hopByHop || id === FIELD.upgrade || id === FIELD.keepAlive) return true
  if (id !== FIELD.unknown) return false
  for (let line = head.fieldsStart; line < head.end - 2; ) {
    const next = bytes.indexOf(LF, line) + 1
    if (isNamed(bytes, line, from, to)) head.drops.add(line, next)
    line = next
  }
  return true
}

function isNamed(bytes: Buffer, line: number, from: number, to: number): boolean {
  for (let i = 0; i < to - from; i++)
    if (LOWER[bytes[line + i] as number] !== LOWER[bytes[from + i] as number]) return false
  return bytes[line + to - from] === COLON
}

import { COMMA, SPACE, TAB } from './ascii.ts'
import { TOKEN } from './characters.ts'
import type { Drops } from './drops.ts'
import { equalsIgnoringCase } from './equals-ignoring-case.ts'
import { FIELD, type FieldId, fieldId } from './field-names.ts'

/** What a head says of its connection. */
interface ConnectionHead {
  readonly drops: Drops
  closes: boolean
  keepsAlive: boolean
}

/**
 * Reads one `Connection` value of a request (RFC 9110 section 7.6.1): `close`, `keep-alive`, and names of fields that
 * end here too.
 * @returns false when it is malformed, names too many fields, or one that must not end here: a way to make a proxy
 * remove what a client may not.
 */
export function readConnectionOptions(
  head: ConnectionHead,
  bytes: Buffer,
  from: number,
  to: number,
): boolean {
  let at = from
  while (at < to) {
    const start = at
    while (at < to && TOKEN[bytes[at] as number] === 1) at++
    if (at > start && !readOption(head, bytes, start, at, true)) return false
    while (at < to && isBlank(bytes[at] as number)) at++
    if (at < to && bytes[at] !== COMMA) return false
    at++
    while (at < to && isBlank(bytes[at] as number)) at++
  }
  return true
}

/**
 * The same of a response, which is never refused for it: what is malformed is passed over and taken for `close`. A field
 * that frames the message stays whatever `Connection` says.
 */
export function readConnectionLeniently(head: ConnectionHead, bytes: Buffer, from: number, to: number): void {
  let at = from
  while (at < to) {
    const start = at
    while (at < to && TOKEN[bytes[at] as number] === 1) at++
    if (at > start && !readOption(head, bytes, start, at, false)) head.closes = true
    if (at > start) continue
    if (!isBlank(bytes[at] as number) && bytes[at] !== COMMA) head.closes = true
    at++
  }
}

function readOption(
  head: ConnectionHead,
  bytes: Buffer,
  from: number,
  to: number,
  isRequest: boolean,
): boolean {
  if (readKnownOption(head, bytes, from, to)) return true
  const id = fieldId(bytes, from, to)
  if (isDroppedAnyway(id)) return true
  return mayNominate(id, isRequest) ? head.drops.nominate(from, to) : !isRequest
}

/** @returns false for the name of a field. */
function readKnownOption(head: ConnectionHead, bytes: Buffer, from: number, to: number): boolean {
  if (equalsIgnoringCase(bytes, from, to, 'close')) head.closes = true
  else if (equalsIgnoringCase(bytes, from, to, 'keep-alive')) head.keepsAlive = true
  else return false
  return true
}

function mayNominate(id: FieldId, isRequest: boolean): boolean {
  if (isRequest) return id === FIELD.unknown
  return id !== FIELD.contentLength && id !== FIELD.transferEncoding
}

function isDroppedAnyway(id: FieldId): boolean {
  return id === FIELD.hopByHop || id === FIELD.upgrade || id === FIELD.keepAlive
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}

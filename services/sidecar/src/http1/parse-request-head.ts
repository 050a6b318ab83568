import { FIELD_FAULT, INCOMPLETE, scanFields, TOO_MANY_FIELDS, USUAL_FIELDS } from './fields.ts'
import { readRequestFields } from './request-fields.ts'
import { malformed, type Refusal, type RequestHead, tooManyFields } from './request-head.ts'
import { parseRequestLine } from './request-line.ts'

/** The rules of a route for request heads. */
export interface RequestHeadRules {
  readonly maxFields: number
  /** Fields that are forwarded although they are on the list of dropped ones; names in lower case. */
  readonly passFields: ReadonlySet<string>
  /** Folded names of fields that the sidecar sets itself, such as `authorization`: those of the client are dropped. */
  readonly replaced?: readonly Uint8Array[]
}

const USUAL: RequestHeadRules = { maxFields: USUAL_FIELDS, passFields: new Set() }

const FAULTS: ReadonlyMap<number, Refusal> = new Map(
  Object.entries(FIELD_FAULT).map(([key, reason]) => [Number(key), malformed(reason)]),
)

/**
 * Parses and validates one request head, `bytes[start, end)`, into `head`. A head that can be read in two ways is refused.
 * @returns the position after the head, `INCOMPLETE`, or `REFUSED` with `head.refusal` set.
 */
export function parseRequestHead(
  head: RequestHead,
  bytes: Buffer,
  start: number,
  end: number,
  { maxFields, passFields, replaced } = USUAL,
): number {
  head.reset(passFields, replaced)
  const fieldsStart = parseRequestLine(head, bytes, start, end)
  if (fieldsStart < 0) return fieldsStart
  head.fieldsStart = fieldsStart
  const position = scanFields(head.fields, bytes, fieldsStart, end, maxFields, true)
  if (position === INCOMPLETE) return INCOMPLETE
  if (position === TOO_MANY_FIELDS) return head.refuse(tooManyFields(maxFields))
  if (position < 0) return head.refuse(FAULTS.get(position) as Refusal)
  head.end = position
  return readRequestFields(head, bytes)
}

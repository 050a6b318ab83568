import { FIELD_FAULT, INCOMPLETE, scanFields, TOO_MANY_FIELDS, USUAL_FIELDS } from './fields.ts'
import { examinePath, IS_CHANGED, normalPath } from './normal-path.ts'
import { readRequestFields } from './request-fields.ts'
import { malformed, type Refusal, type RequestHead, tooManyFields } from './request-head.ts'
import { parseRequestLine } from './request-line.ts'

/** The rules of a route for request heads. */
export interface RequestHeadRules {
  readonly maxFields: number
  /** Fields that are forwarded although they are on the list of dropped ones; names in lower case. */
  readonly passFields: ReadonlySet<string>
  /** Reads CONNECT too, with its target in the authority form. Default false: it is refused. */
  readonly takesConnect?: boolean
  /** Clients come over TLS: a target may be an https:// URL. Default false. */
  readonly takesHttps?: boolean
  /** Folded names of fields that the sidecar sets itself, such as `authorization`: those of the client are dropped. */
  readonly replaced?: readonly Uint8Array[]
  /** A rule of the route has `upgrade`. */
  readonly mayUpgrade?: boolean
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
  { maxFields, passFields, replaced, takesConnect, takesHttps, mayUpgrade = false }: RequestHeadRules = USUAL,
): number {
  head.reset(passFields, replaced, mayUpgrade)
  const fieldsStart = parseRequestLine(head, bytes, start, end, takesConnect, takesHttps)
  if (fieldsStart < 0) return fieldsStart
  head.fieldsStart = fieldsStart
  const position = scanFields(head.fields, bytes, fieldsStart, end, maxFields, true)
  if (position === INCOMPLETE) return INCOMPLETE
  if (position === TOO_MANY_FIELDS) return head.refuse(tooManyFields(maxFields))
  if (position < 0) return head.refuse(FAULTS.get(position) as Refusal)
  head.end = position
  readPath(head, bytes)
  return readRequestFields(head, bytes)
}

/** A path that means two things is refused by the policy, which can name it, and not as a malformed head. */
function readPath(head: RequestHead, bytes: Buffer): void {
  head.pathBits = examinePath(bytes, head.targetStart, head.pathEnd)
  if (head.pathBits > 0 && (head.pathBits & IS_CHANGED) !== 0)
    head.normalPath = normalPath(bytes, head.targetStart, head.pathEnd)
}

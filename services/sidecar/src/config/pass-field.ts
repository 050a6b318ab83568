import { FIELD, fieldId } from '../http/head/field-names.ts'

export const PASS_FIELD_PATTERN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/
export const PASS_FIELD =
  'may be the name of a field that is dropped otherwise, such as X-Forwarded-Prefix or X_API_KEY, but not one that frames the message, belongs to a connection or is set by the sidecar'

/** Fields that the sidecar sets itself; a second one would speak against it. */
const OURS: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-user',
  'forwarded',
])

/** Whether the field `name`, in lower case, may be forwarded as the client sent it. */
export function mayPass(name: string): boolean {
  const folded = name.replace(/[^a-z0-9]/g, '-')
  const id = fieldId(Buffer.from(name), 0, name.length)
  return PASS_FIELD_PATTERN.test(name) && !OURS.has(folded) && (id === FIELD.dropped || id === FIELD.unknown)
}

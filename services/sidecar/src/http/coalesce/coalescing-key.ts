import { FIELD } from '../head/field-ids.ts'
import type { RequestHead } from '../head/request-head.ts'

/**
 * What requests must have in common to share an answer: the target and every field that is forwarded, but for the
 * request's own id and the scraper's deadline, byte for byte.
 * @returns null for a request that shares none: not a GET, with a body or credentials, or of HTTP/1.0.
 */
export function coalescingKey(head: RequestHead, bytes: Buffer): string | null {
  const hasBody = head.chunked || head.contentLength > 0
  if (head.method !== 'GET' || hasBody || head.isPersonal || head.minor === 0) return null
  const target = bytes.toString('latin1', head.targetStart, head.targetEnd)
  return `${target} ${sharedFields(head, bytes)}`
}

function sharedFields({ fields, fieldsStart, end }: RequestHead, bytes: Buffer): string {
  let text = ''
  let from = fieldsStart
  for (let i = 0; i < fields.count; i++) {
    if (!isOwn(fields.id(i))) continue
    text += bytes.toString('latin1', from, fields.lineStart(i))
    from = fields.lineEnd(i)
  }
  return text + bytes.toString('latin1', from, end)
}

/** Says nothing of the answer: fields that are not forwarded, and those two. */
function isOwn(id: number): boolean {
  switch (id) {
    case FIELD.connection:
    case FIELD.keepAlive:
    case FIELD.hopByHop:
    case FIELD.forwarded:
    case FIELD.requestId:
    case FIELD.scrapeTimeout:
      return true
    default:
      return false
  }
}

import type { AnswerSource } from './answer-taker.ts'
import { COMPOSED_EXTRA, composeRequest } from './head/compose-request.ts'
import type { RequestHead } from './head/request-head.ts'

const SCRATCH_BYTES = 65_536

/** Where requests are composed; given away when the kernel did not take all of it at once. */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/** Sends a head and what came of the body, `bytes[head.end, bodyEnd)`, in one write where they fit together. */
export function writeRequest(
  source: AnswerSource,
  head: RequestHead,
  bytes: Buffer,
  start: number,
  provenance: Buffer,
  bodyEnd: number,
): boolean {
  const bodyBytes = bodyEnd - head.end
  const headBytes = head.end - start + provenance.length + COMPOSED_EXTRA
  const out = headBytes <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafe(headBytes)
  const at = composeRequest(out, head, bytes, start, provenance)
  if (at + bodyBytes > out.length)
    return writeApart(source, out.subarray(0, at), bytes.subarray(head.end, bodyEnd))
  const end = bodyBytes === 0 ? at : at + bytes.copy(out, at, head.end, bodyEnd)
  const isReady = source.write(out.subarray(0, end))
  if (source.isWriting) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  return isReady
}

function writeApart(source: AnswerSource, head: Buffer, body: Buffer): boolean {
  source.cork()
  source.write(Buffer.from(head))
  const isReady = source.write(body)
  source.uncork()
  return isReady
}

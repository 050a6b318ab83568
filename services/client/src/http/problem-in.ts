import { PROBLEM_CONTENT_TYPE } from '@uds-sidecar/shared/failure/problem'
import type { Response } from '@uds-sidecar/shared/http/request'
import * as v from 'valibot'

const problemSchema = v.object({
  title: v.optional(v.string()),
  detail: v.optional(v.string()),
  code: v.optional(v.string()),
  hint: v.optional(v.string()),
})

export type ReceivedProblem = v.InferOutput<typeof problemSchema>

/** The problem details (RFC 9457) that an answer carries, if it says that it does and they can be read. */
export function problemIn({ headers, body }: Response): ReceivedProblem | undefined {
  if (!headers['content-type']?.startsWith(PROBLEM_CONTENT_TYPE)) return undefined
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), problemSchema), body.toString())
  return parsed.success ? parsed.output : undefined
}

import { TraceContext } from '@uds-sidecar/shared/http/trace-context'
import type { Reach } from '../access/access.ts'
import type { Context } from '../cli/command.ts'
import type { Flag } from '../cli/options.ts'

export const TRACE_OPTION = {
  kind: 'flag',
  summary:
    'begin a trace (traceparent), and write its id to stderr: it is in the logs of sidecar and app too',
} as const satisfies Flag

/**
 * The same reach with a `traceparent`, if `--trace` is given. The id goes to stderr at once, so that it is there also
 * when the request fails; stdout stays what it is.
 */
export function traced(
  reach: Reach,
  isTraced: boolean,
  { stderr, json }: Pick<Context, 'stderr' | 'json'>,
): Reach {
  if (!isTraced) return reach
  const { ids, traceparent } = TraceContext.start()
  const { traceId, spanId } = ids
  stderr.write(json ? `${JSON.stringify({ traceId, spanId })}\n` : `trace ${traceId}, span ${spanId}\n`)
  return { ...reach, headers: { ...reach.headers, traceparent } }
}

import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import type { Target } from '../target.ts'

/**
 * Waits for the work that goes over these connections, and closes them when it takes too long: that ends the work.
 * @throws Failure `upstream_timeout` in place of what closing them made the work throw
 */
export async function within<T>(
  timeoutMs: number,
  { endpoint }: Target,
  connections: readonly Disposable[],
  work: Promise<T>,
): Promise<T> {
  let late = false
  const timer = setTimeout(() => {
    late = true
    for (const connection of connections) connection[Symbol.dispose]()
  }, timeoutMs)
  try {
    return await work
  } catch (cause) {
    if (!late) throw cause
    const message = `${formatEndpoint(endpoint)} did not answer within ${timeoutMs} ms`
    throw new Failure('upstream_timeout', { message, hint: 'the server is paused or overloaded', cause })
  } finally {
    clearTimeout(timer)
  }
}

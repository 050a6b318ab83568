import { type DialOptions, dial } from '../dial/dial.ts'
import type { Endpoint } from '../endpoint/endpoint.ts'
import { Failure } from '../failure/failure.ts'

/** What one attempt to connect said. */
export type ConnectionReport =
  | { readonly connected: true; readonly ms: number }
  | { readonly connected: false; readonly ms: number; readonly failure: Failure }

/** Connects and hangs up without a word. Rejects only when `options.signal` aborts. */
export async function inspectConnection(
  endpoint: Endpoint,
  options: DialOptions = {},
): Promise<ConnectionReport> {
  const start = performance.now()
  try {
    const socket = await dial(endpoint, options)
    socket.on('error', () => socket.destroy()).destroy()
    return { connected: true, ms: performance.now() - start }
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure
    return { connected: false, ms: performance.now() - start, failure }
  }
}

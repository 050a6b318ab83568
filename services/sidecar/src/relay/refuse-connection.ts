import type { Socket } from 'node:net'
import type { Failure } from '@uds-sidecar/shared/failure/failure'
import type { ConnectionLimits } from './connection-limits.ts'
import { reset } from './port.ts'
import { problemResponse } from './problem-response.ts'

/** A refused client that sends nothing is disconnected after so long. */
const QUIET_MS = 300
/** The same in all, even if it goes on sending. */
const MAX_REFUSING_MS = 2_000

/**
 * Sends a problem as the only response of a connection that is not served, and closes it. The client is read until
 * then, because closing a connection with unread bytes resets it and can cost the client the response (RFC 9112
 * section 9.6). When many connections are refused at once, the rest are reset.
 */
export function refuseConnection(client: Socket, failure: Failure, limits: ConnectionLimits): void {
  if (!limits.mayReadRefusal()) {
    reset(client)
    return
  }
  const last = setTimeout(() => client.destroy(), MAX_REFUSING_MS).unref()
  client
    .once('close', () => {
      clearTimeout(last)
      limits.refusalRead()
    })
    .end(problemResponse(failure, { connection: 'close', headOnly: false }))
  client.resume().setTimeout(QUIET_MS, () => client.destroy())
}

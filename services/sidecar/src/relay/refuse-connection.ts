import type { Socket } from 'node:net'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { statusOf } from '@uds-sidecar/shared/failure/failures'
import type { RouteLog } from '../observe/access-log.ts'
import type { RouteCounters } from '../observe/route-counters.ts'
import type { Caller } from './caller.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { logRefused } from './exchange-log.ts'
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
 * @returns the length of the response; 0 for a reset
 */
export function refuseConnection(client: Socket, failure: Failure, limits: ConnectionLimits): number {
  if (!limits.mayReadRefusal()) {
    reset(client)
    return 0
  }
  const response = problemResponse(failure, { connection: 'close', headOnly: false })
  const last = setTimeout(() => client.destroy(), MAX_REFUSING_MS).unref()
  client
    .once('close', () => {
      clearTimeout(last)
      limits.refusalRead()
    })
    .end(response)
  client.resume().setTimeout(QUIET_MS, () => client.destroy())
  return response.length
}

/** Refuses a connection beyond the limits of its route, counts and logs that. */
export function refuseOverloaded(
  client: Socket,
  caller: Caller,
  { counters, accessLog }: { readonly counters: RouteCounters; readonly accessLog: RouteLog },
  limits: ConnectionLimits,
): void {
  const failure = new Failure('overloaded', {
    message: 'too many connections are open',
    hint: 'close some, or raise limits.connections or limits.connectionsPerAddress of the route',
  })
  counters.fail(failure)
  counters.responded('', statusOf(failure.code), 0)
  client.on('error', () => client.destroy())
  const bytesToClient = refuseConnection(client, failure, limits)
  logRefused(accessLog, caller, failure, { head: null, bytesToClient })
}

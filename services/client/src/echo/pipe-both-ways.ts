import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'

/**
 * Sends `input` until it ends, then half-closes, while `consume` reads what comes back; ends when both are done.
 * @throws Failure `upstream_reset` when the server closes while there is still something to send
 */
export async function pipeBothWays(
  endpoint: Endpoint,
  input: Readable,
  socket: Socket,
  consume: (answers: Socket) => Promise<void>,
): Promise<void> {
  const sending = pipeline(input, socket, { end: true })
  const receiving = consume(socket).then(() => {
    if (!input.readableEnded) throw closedByServer(endpoint)
  })
  try {
    await Promise.all([receiving, sending])
  } catch (error) {
    throw error instanceof Failure ? error : closedByServer(endpoint, error)
  } finally {
    input.destroy()
    socket.destroy()
  }
}

function closedByServer(endpoint: Endpoint, cause?: unknown): Failure {
  return new Failure('upstream_reset', {
    message: `${formatEndpoint(endpoint)} closed the connection while there was still something to send`,
    hint: 'the process behind it ended, or refused a line; look at its log',
    cause,
  })
}

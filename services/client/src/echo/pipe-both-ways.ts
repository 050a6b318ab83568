import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'

/**
 * Sends `input` until it ends, then half-closes the socket, while `consume` reads what comes back. Resolves when both are
 * done.
 * @throws Failure `upstream_reset` when the server closes before everything is sent
 */
export async function pipeBothWays(
  endpoint: Endpoint,
  input: Readable,
  socket: Socket,
  consume: (received: Socket) => Promise<void>,
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
    message: `${formatEndpoint(endpoint)} closed the connection before everything was sent`,
    hint: 'the server ended, or refused a line; read its log',
    cause,
  })
}

import { dial } from '@uds-sidecar/shared/dial/dial'
import type { Endpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { formatEndpoint } from '@uds-sidecar/shared/endpoint/format-endpoint'
import { Failure } from '@uds-sidecar/shared/failure/failure'
import { linesOf } from './lines-of.ts'

/**
 * Sends each line on one connection and waits for one line in answer before it sends the next.
 * @throws Failure as `dial` does; `upstream_reset` when the connection ends early, `upstream_timeout` after `timeoutMs`
 */
export async function dialogue(
  endpoint: Endpoint,
  lines: readonly string[],
  timeoutMs = 5_000,
): Promise<string[]> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const socket = await dial(endpoint, { timeoutMs })
  const giveUp = () => socket.destroy(tooLate(endpoint, timeoutMs))
  deadline.addEventListener('abort', giveUp, { once: true })
  const received: string[] = []
  try {
    const answers = linesOf(socket)
    for (const line of lines) {
      socket.write(`${line}\n`)
      const { value, done } = await answers.next()
      if (done) throw endedEarly(endpoint, received.length, lines.length)
      received.push(value)
    }
    return received
  } catch (error) {
    throw error instanceof Failure ? error : endedEarly(endpoint, received.length, lines.length, error)
  } finally {
    deadline.removeEventListener('abort', giveUp)
    socket.destroy()
  }
}

function endedEarly(endpoint: Endpoint, got: number, wanted: number, cause?: unknown): Failure {
  return new Failure('upstream_reset', {
    message: `${formatEndpoint(endpoint)} ended the connection after ${got} of ${wanted} lines`,
    hint: 'the process behind it ended, or speaks another protocol',
    cause,
  })
}

function tooLate(endpoint: Endpoint, timeoutMs: number): Failure {
  return new Failure('upstream_timeout', {
    message: `${formatEndpoint(endpoint)} did not answer a line within ${timeoutMs} ms`,
    hint: 'the process behind it may be paused or overloaded',
    errno: 'ETIMEDOUT',
  })
}

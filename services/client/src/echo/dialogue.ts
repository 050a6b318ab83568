import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { dial } from '@uds-sidecar/shared/dial/dial'
import type { TlsDialOptions } from '@uds-sidecar/shared/dial/dial-tls'
import { type Endpoint, formatEndpoint } from '@uds-sidecar/shared/endpoint/endpoint'
import { HINTS } from '@uds-sidecar/shared/failure/explain'
import { Failure } from '@uds-sidecar/shared/failure/failure'

/** The lines of a byte stream, without newlines. Text after the last newline is a line too. */
export async function* linesOf(stream: Readable): AsyncGenerator<string, undefined> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  // Not destroyed here: the other side has ended, but the owner may still write to the socket.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const pieces = (rest + decoder.write(chunk)).split('\n')
    rest = pieces.pop() ?? ''
    yield* pieces
  }
  rest += decoder.end()
  if (rest !== '') yield rest
}

/**
 * Sends lines over one connection, and waits for one line in response to each before it sends the next.
 * @throws Failure as `dial` does; `upstream_reset` when the connection ends early, `upstream_timeout` after `timeoutMs`
 */
export async function dialogue(
  endpoint: Endpoint,
  lines: readonly string[],
  timeoutMs = 5_000,
  tls?: TlsDialOptions,
): Promise<string[]> {
  const deadline = AbortSignal.timeout(timeoutMs)
  const socket = await dial(endpoint, { timeoutMs, tls })
  const giveUp = () => socket.destroy(tooLate(endpoint, timeoutMs))
  deadline.addEventListener('abort', giveUp, { once: true })
  const received: string[] = []
  try {
    // A signal that has aborted before, while the connection was being made, does not tell its listeners any more.
    if (deadline.aborted) throw tooLate(endpoint, timeoutMs)
    const responses = linesOf(socket)
    for (const line of lines) {
      socket.write(`${line}\n`)
      const { value, done } = await responses.next()
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
    message: `${formatEndpoint(endpoint)} closed the connection after ${got} of ${wanted} lines`,
    hint: 'the server ended, or speaks another protocol',
    cause,
  })
}

function tooLate(endpoint: Endpoint, timeoutMs: number): Failure {
  return new Failure('upstream_timeout', {
    message: `${formatEndpoint(endpoint)} sent no response to a line within ${timeoutMs} ms`,
    hint: HINTS.paused,
    errno: 'ETIMEDOUT',
  })
}

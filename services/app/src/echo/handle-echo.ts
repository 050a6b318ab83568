import type { Duplex } from 'node:stream'
import { EchoLines } from './echo-lines.ts'

/**
 * Serves the echo protocol on any duplex stream: a socket, a TCP connection, or one half of `duplexPair()`. The end
 * of input is answered with the end of output; when `signal` aborts, what was received is answered, then it ends.
 */
export function handleEcho(stream: Duplex, signal: AbortSignal): void {
  const lines = new EchoLines()
  const drain = () => {
    stream.unpipe(lines).resume() // read on, or the peer's end would never be seen
    lines.end()
  }
  stream.pipe(lines).pipe(stream)
  stream.once('error', () => stream.destroy()) // the peer is gone; there is nobody to tell
  stream.once('close', () => {
    lines.destroy()
    signal.removeEventListener('abort', drain)
  })
  if (signal.aborted) drain()
  else signal.addEventListener('abort', drain, { once: true })
}

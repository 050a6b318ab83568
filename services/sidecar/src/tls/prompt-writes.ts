import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

type Done = (error?: Error | null) => void

/**
 * Reports a write to a TLS socket as done at once when the kernel has taken it, as Node does for TCP. Node reports each
 * one a turn later ("TLS cannot handle this at the moment", src/crypto/crypto_tls.cc of Node 26), although its bytes are
 * encrypted when the call returns and their buffer is free. The relay would take every client for a slow one, and
 * allocate a new read buffer for each response.
 *
 * A TLS socket takes one write at a time: what follows waits until Node has reported the write before it.
 * @param transport the TCP connection below the TLS socket
 */
export function writePromptly(client: TLSSocket, transport: Socket): void {
  const [write, writev, final] = [client._write, client._writev, client._final]
  let isWriting = false
  let waiting: (() => void) | null = null

  const run = (start: (done: Done) => void, done: Done) => {
    let isReported = false
    isWriting = true
    start((error) => {
      isWriting = false
      if (!isReported) done(error)
      else if (error) client.destroy(error)
      const next = waiting
      waiting = null
      next?.()
    })
    if (!isWriting || hasQueue(transport)) return
    isReported = true
    done()
  }
  const inTurn = (next: () => void) => {
    if (isWriting) waiting = next
    else next()
  }

  client._write = (chunk, encoding, done) =>
    inTurn(() => run((written) => write.call(client, chunk, encoding, written), done))
  if (writev !== undefined)
    client._writev = (chunks, done) =>
      inTurn(() => run((written) => writev.call(client, chunks, written), done))
  client._final = (done) => inTurn(() => final.call(client, done))
}

/** Whether bytes wait for room in the kernel's send buffer. Node has no public way to tell. */
function hasQueue(transport: Socket): boolean {
  const handle: unknown = Reflect.get(transport, '_handle')
  return typeof handle !== 'object' || handle === null || Reflect.get(handle, 'writeQueueSize') !== 0
}

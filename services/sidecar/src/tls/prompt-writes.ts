import type { TLSSocket } from 'node:tls'

type Done = (error?: Error | null) => void

/**
 * Reports a write to a connected TLS socket as done at once when the kernel has taken it, as Node does for TCP. Node reports each
 * one a turn later ("TLS cannot handle this at the moment", src/crypto/crypto_tls.cc of Node 26), although its bytes are
 * encrypted when the call returns and their buffer is free. The relay would take every client and every upstream for a
 * slow one, and allocate a new buffer for each response and each request.
 *
 * A TLS socket takes one write at a time: what follows waits until Node has reported the write before it.
 */
export function writePromptly(socket: TLSSocket): void {
  const [write, writev, final] = [socket._write, socket._writev, socket._final]
  let isWriting = false
  let waiting: (() => void) | null = null

  const run = (start: (done: Done) => void, done: Done) => {
    let isReported = false
    isWriting = true
    start((error) => {
      isWriting = false
      if (!isReported) done(error)
      else if (error) socket.destroy(error)
      const next = waiting
      waiting = null
      next?.()
    })
    if (!isWriting || hasQueue(socket)) return
    isReported = true
    done()
  }
  const inTurn = (next: () => void) => {
    if (isWriting) waiting = next
    else next()
  }

  socket._write = (chunk, encoding, done) =>
    inTurn(() => run((written) => write.call(socket, chunk, encoding, written), done))
  if (writev !== undefined)
    socket._writev = (chunks, done) =>
      inTurn(() => run((written) => writev.call(socket, chunks, written), done))
  socket._final = (done) => inTurn(() => final.call(socket, done))
}

/**
 * Whether bytes wait for room in the kernel's send buffer. Node has no public way to tell: `_parent` of its handle is that
 * of the connection below TLS. Where there is none the write is done when Node says so.
 */
function hasQueue(socket: object): boolean {
  const handle = '_handle' in socket ? socket._handle : null
  const transport = isObject(handle) && '_parent' in handle ? handle._parent : null
  return !isObject(transport) || !('writeQueueSize' in transport) || transport.writeQueueSize !== 0
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
